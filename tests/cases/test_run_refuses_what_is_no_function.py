"""step.run takes a function: a value, or an async function, is an error at the call that says so.

Covers: run.records, promise.bad-input
"""

from typing import Any

from milepost import App, Step
from milepost.testing import Sandbox

app = App("run-refuses")


async def fetch() -> int:
    return 1


@app.function()
def with_value(event: None, step: Step) -> None:
    not_callable: Any = "charge"
    step.run("charge", not_callable)


@app.function()
def with_async(event: None, step: Step) -> None:
    asynchronous: Any = fetch
    step.run("fetch", asynchronous)


def test_the_error_says_what_was_given() -> None:
    with Sandbox(app) as box:
        value, asynchronous = box.invoke(with_value, None), box.invoke(with_async, None)
        assert "step 'charge': step.run takes a function and its arguments, not str" in str(value.error)
        assert "'fetch' is async" in str(asynchronous.error)
        assert value.steps == asynchronous.steps == []
