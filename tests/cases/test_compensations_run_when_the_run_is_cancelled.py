"""When a run is cancelled, the compensations of its completed steps run too.

Covers: options.compensate, options.compensate-cancel
"""

from datetime import timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("compensate-cancel")
undone: list[str] = []


def book(what: str) -> str:
    return what


def cancel_flight(flight: str) -> None:
    undone.append(f"no {flight}")


def cancel_hotel(hotel: str) -> None:
    undone.append(f"no {hotel}")


@app.function()
def trip(event: None, step: Step) -> None:
    step.options(compensate=cancel_flight).run("flight", book, "flight")
    step.options(compensate=cancel_hotel).run("hotel", book, "hotel")
    step.sleep("until the trip", timedelta(days=30))
    step.options(compensate=cancel_hotel).run("second hotel", book, "second hotel")


def test_what_was_done_is_undone_backwards() -> None:
    with Sandbox(app) as box:
        run = box.invoke(trip, None)
        box.advance(timedelta(days=2))
        assert undone == []
        box.cancel(run)
        assert run.status == "cancelled"
        assert undone == ["no hotel", "no flight"]
