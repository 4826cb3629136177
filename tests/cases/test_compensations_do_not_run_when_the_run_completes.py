"""A run that completes undoes nothing, failed steps on its way or not.

Covers: options.compensate
"""

from milepost import App, NonRetriableError, Step, StepError
from milepost.testing import Sandbox

app = App("compensate-nothing")
undone: list[str] = []


def book(what: str) -> str:
    if what == "car":
        raise NonRetriableError("no cars left")
    return what


@app.function()
def trip(event: None, step: Step) -> str:
    flight = step.options(compensate=undone.append).run("flight", book, "flight")
    try:
        step.options(compensate=undone.append).run("car", book, "car")
    except StepError:
        return f"{flight}, then by foot"
    return "all"


def test_nothing_is_undone() -> None:
    with Sandbox(app) as box:
        assert box.invoke(trip, None).result == "flight, then by foot"
        assert undone == []
        assert box.runs("trip.undo") == []
