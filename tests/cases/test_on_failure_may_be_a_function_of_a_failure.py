"""One function of Failure can stand behind many.

Covers: function.on-failure-function
"""

from datetime import timedelta

from milepost import (
    App,
    Failure,
    NonRetriableError,
    Step,
)
from milepost.testing import Sandbox

app = App("one-alarm")


@app.function()
def alarm(failure: Failure, step: Step) -> str:
    return step.run("page", lambda: f"{failure.function} {failure.status}: {failure.error}")


@app.function(on_failure=alarm, on_cancel=alarm, retries=0)
def one(event: str, step: Step) -> None:
    step.sleep("nap", timedelta(hours=1))
    raise ValueError(event)


@app.function(on_failure=alarm)
def two(event: str, step: Step) -> None:
    raise NonRetriableError(event)


def test_it_is_told_who_failed_and_how() -> None:
    with Sandbox(app) as box:
        failing, cancelled = box.invoke(one, "first"), box.invoke(one, "never")
        box.invoke(two, "second")
        box.cancel(cancelled)
        box.advance(timedelta(hours=1))
        assert failing.status == "failed"
        assert sorted(run.result for run in box.runs(alarm)) == [
            "one cancelled: None",
            "one failed: ValueError: first",
            "two failed: NonRetriableError: second",
        ]
