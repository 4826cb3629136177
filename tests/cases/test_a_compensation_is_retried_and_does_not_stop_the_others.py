"""A compensation has retries; one that fails for good does not keep the others from being tried.

Covers: options.compensate
"""

from datetime import timedelta

from milepost import App, NonRetriableError, Step
from milepost.testing import Sandbox

app = App("compensate-retries")
undone: list[str] = []
tries: list[str] = []


def book(what: str) -> str:
    return what


def cancel_booking(what: str) -> None:
    tries.append(what)
    if what == "hotel":
        raise NonRetriableError("the hotel burnt down")
    if tries.count(what) < 3:
        raise ConnectionError("busy")
    undone.append(what)


@app.function()
def trip(event: None, step: Step) -> None:
    for what in ("flight", "hotel", "car"):
        step.options(compensate=cancel_booking).run(what, book, what)
    raise NonRetriableError("ill")


def test_the_others_are_undone() -> None:
    with Sandbox(app) as box:
        box.invoke(trip, None)
        box.advance(timedelta(hours=1))
        assert undone == ["car", "flight"]
        assert tries.count("hotel") == 1
        [undo] = box.runs("trip.undo")
        assert undo.status == "failed"
        assert "the hotel burnt down" in str(undo.error)
