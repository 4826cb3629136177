"""When a run fails, the compensations of its completed steps run, the last step's first, each with its step's result.

Covers: options.compensate, options.compensate-failure
"""

from milepost import App, NonRetriableError, Step
from milepost.testing import Sandbox

app = App("compensate-failure")
undone: list[str] = []


def book(what: str) -> str:
    if what == "car":
        raise NonRetriableError("no cars left")
    return f"booking of {what}"


def cancel_booking(booking: str) -> None:
    undone.append(booking)


@app.function()
def trip(event: None, step: Step) -> None:
    step.options(compensate=cancel_booking).run("flight", book, "flight")
    step.run("insurance", book, "insurance")
    step.options(compensate=cancel_booking).run("hotel", book, "hotel")
    step.options(compensate=cancel_booking).run("car", book, "car")


def test_what_was_done_is_undone_backwards() -> None:
    with Sandbox(app) as box:
        run = box.invoke(trip, None)
        assert run.status == "failed"
        assert undone == ["booking of hotel", "booking of flight"]
        [undo] = box.runs("trip.undo")
        assert undo.status == "completed"
