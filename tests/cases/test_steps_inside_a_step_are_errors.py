"""A step method called inside a step's function fails the run, even when that is swallowed, and says what to use instead.

Covers: identity.unfinished
"""

import pytest

from milepost import App, Step, UsageError
from milepost.testing import Sandbox

app = App("inside")


def work() -> str:
    return "worked"


@app.function()
def nested(event: None, step: Step) -> str:
    return step.run("outer", lambda: step.run("inner", work))


@app.function()
def swallowed(event: None, step: Step) -> str:
    def outer() -> str:
        try:
            return step.run("inner", work)
        except UsageError:
            return "never mind"

    return step.run("outer", outer)


@app.function()
def careless(event: None, step: Step) -> str:
    def outer() -> str:
        try:
            return step.run("inner", work)
        except UsageError:
            return "never mind"

    step.run("outer", outer)
    return step.run("another", work)


def test_the_error_shows_the_way() -> None:
    with Sandbox(app) as box:
        for function in (nested, swallowed, careless):
            run = box.invoke(function, None)
            assert run.status == "failed"
            assert "step 'inner' is used" in str(run.error)
            assert "step.invoke" in str(run.error)


@pytest.mark.def_only("many steps of an async body run at once, and it does not know in which of them it is asked")
def test_the_error_names_both_steps() -> None:
    with Sandbox(app) as box:
        for function in (nested, swallowed, careless):
            assert "step 'inner' is used inside 'outer'" in str(box.invoke(function, None).error)


@pytest.mark.modes("normal", reason="it counts port calls")
def test_it_is_an_error_wherever_the_worker_dies() -> None:
    for function in (nested, swallowed, careless):
        for calls in range(1, 6):
            with Sandbox(app) as box:
                box.crash_after(calls)
                run = box.invoke(function, None)
                assert (run.status, function.name, calls) == ("failed", function.name, calls)
