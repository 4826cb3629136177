"""A cancelling event that came just before the run's own event counts; an older one does not.

Covers: function.cancel-on-before
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("cancel-before")
shipped: list[str] = []


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str


@app.event("shop/order.withdrawn", keys=("order_id",))
class OrderWithdrawn(Event):
    order_id: str


@app.function(on=OrderPlaced, cancel_on=[OrderWithdrawn])
def fulfil(event: OrderPlaced, step: Step) -> None:
    step.run("ship", shipped.append, event.order_id)


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_events_that_overtook_each_other() -> None:
    with Sandbox(app) as box:
        box.send(OrderWithdrawn(order_id="old"))
        box.advance(timedelta(seconds=11))
        box.send(OrderWithdrawn(order_id="overtaken"))
        box.advance(timedelta(seconds=9))
        [old], [overtaken] = box.send(OrderPlaced(order_id="old")), box.send(OrderPlaced(order_id="overtaken"))
        assert (old.status, overtaken.status) == ("completed", "cancelled")
        assert shipped == ["old"]
