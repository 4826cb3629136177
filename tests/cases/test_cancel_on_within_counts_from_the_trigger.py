"""CancelOn(within=) cancels only within that time of the trigger.

Covers: function.cancel-on-within
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    CancelOn,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("cancel-within")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str


@app.event("shop/order.withdrawn", keys=("order_id",))
class OrderWithdrawn(Event):
    order_id: str


@app.function(on=OrderPlaced, cancel_on=[CancelOn(OrderWithdrawn, within=timedelta(hours=24))])
def fulfil(event: OrderPlaced, step: Step) -> str:
    step.sleep("cool off", timedelta(days=3))
    return "shipped"


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_a_day_to_think_about_it() -> None:
    with Sandbox(app) as box:
        [early], [late] = box.send(OrderPlaced(order_id="early")), box.send(OrderPlaced(order_id="late"))
        box.advance(timedelta(hours=24))
        box.send(OrderWithdrawn(order_id="early"))
        box.advance(timedelta(milliseconds=1))
        box.send(OrderWithdrawn(order_id="late"))
        assert (early.status, late.status) == ("cancelled", "waiting")
        box.advance(timedelta(days=3))
        assert late.result == "shipped"
