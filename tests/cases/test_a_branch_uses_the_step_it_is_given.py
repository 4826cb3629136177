"""A branch that uses the step of the body, not its own, fails the run with an error that says so.

Covers: identity.unfinished, parallel
"""

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

pytestmark = pytest.mark.def_only("an async step's scope is that of the task which uses it, so either step will do")
app = App("wrong-step")


def work() -> str:
    return "worked"


@app.function()
def careless(event: None, step: Step) -> tuple[str, str]:
    return step.parallel("both", lambda s: s.run("one", work), lambda s: step.run("two", work))


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it asserts what the error says when branches have no threads")
def test_the_error_shows_the_way() -> None:
    with Sandbox(app) as box:
        run = box.invoke(careless, None)
        assert run.status == "failed"
        assert "step 'two' is used inside 'both'" in str(run.error)
        assert "a branch uses the step that it is given" in str(run.error)
