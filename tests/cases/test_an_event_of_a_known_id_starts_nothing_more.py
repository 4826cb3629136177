"""An accepted event makes exactly one run per function, however often it is sent.

Covers: promise.one-run, identity.run-id
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("one-run")
charged: list[str] = []


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.function(on=OrderPlaced)
def charge(event: OrderPlaced, step: Step) -> None:
    step.run("charge", charged.append, event.order_id)


@app.function(on=OrderPlaced)
def pack(event: OrderPlaced, step: Step) -> None: ...


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_sent_three_times() -> None:
    with Sandbox(app) as box:
        first = box.send(OrderPlaced(order_id="o-1"), id="order-1")
        for _ in range(2):
            assert box.send(OrderPlaced(order_id="o-1"), id="order-1") == first
            box.advance(timedelta(days=1))
        assert len(box.runs()) == 2
        assert charged == ["o-1"]
        box.send(OrderPlaced(order_id="o-1"), id="order-2")
        assert charged == ["o-1", "o-1"]
