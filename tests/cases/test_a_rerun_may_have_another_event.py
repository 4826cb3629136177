"""A rerun's input replaces the event's data; data that do not fit are refused, and nothing starts.

Covers: door.rerun-input, promise.bad-input
"""

import pytest

from milepost import (
    App,
    Event,
    EventError,
    Step,
)
from milepost.testing import Sandbox

app = App("rerun-input")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str
    pieces: int


@app.function(on=OrderPlaced)
def pack(event: OrderPlaced, step: Step) -> str:
    return step.run("pack", lambda: f"{event.pieces} of {event.order_id}")


@pytest.mark.parametrize(
    "edited", [OrderPlaced(order_id="o-1", pieces=2), {"order_id": "o-1", "pieces": 2}, '{"order_id": "o-1", "pieces": 2}']
)
def test_an_event_its_data_or_their_json(edited: object) -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(order_id="o-1", pieces=1))
        assert box.rerun(run, input=edited).result == "2 of o-1"
        assert run.result == "1 of o-1"


def test_data_that_do_not_fit() -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(order_id="o-1", pieces=1))
        with pytest.raises(EventError, match=r"pieces"):
            box.rerun(run, input={"order_id": "o-1", "pieces": "many"})
        assert len(box.runs()) == 1
