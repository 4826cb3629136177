"""step.run takes a function: a value is an error at the call that says so, and in a def body an async function, wherever it is given.

Covers: run.records, promise.bad-input
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from milepost import App, Backoff, Step
from milepost.testing import Sandbox

app = App("run-refuses")
DAY = timedelta(days=1)


async def fetch(*_: object) -> int:
    return 1


GIVEN: dict[str, Callable[[Step, Any], object]] = {
    "run": lambda step, fn: step.run("fetch", fn),
    "map": lambda step, fn: step.map("fetch", fn, [1]),
    "callback": lambda step, fn: step.wait_for_callback("fetch", fn, timeout=DAY),
    "poll": lambda step, fn: step.wait_until("fetch", fn, every=Backoff(DAY), timeout=DAY),
    "compensate": lambda step, fn: step.options(compensate=fn),
}


@app.function()
def with_value(event: None, step: Step) -> None:
    not_callable: Any = "charge"
    step.run("charge", not_callable)


@app.function()
def with_async(event: str, step: Step) -> None:
    GIVEN[event](step, fetch)


def test_the_error_says_what_was_given() -> None:
    with Sandbox(app) as box:
        run = box.invoke(with_value, None)
        assert "step 'charge': step.run takes a function and its arguments, not str" in str(run.error)
        assert run.steps == []


@pytest.mark.def_only("the steps of an async body take async functions")
@pytest.mark.parametrize("given", GIVEN)
def test_an_async_function_is_refused(given: str) -> None:
    with Sandbox(app) as box:
        run = box.invoke(with_async, given)
        assert "'fetch' is async" in str(run.error)
        assert run.steps == []
