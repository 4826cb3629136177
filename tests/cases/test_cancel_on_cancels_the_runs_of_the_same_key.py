"""An event of cancel_on cancels the runs whose own event has the same key, and no others.

Covers: function.cancel-on
"""

from datetime import timedelta

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("cancel-on")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str


@app.event("shop/order.withdrawn", keys=("order_id",))
class OrderWithdrawn(Event):
    order_id: str


@app.function(on=OrderPlaced, cancel_on=[OrderWithdrawn])
def fulfil(event: OrderPlaced, step: Step) -> str:
    step.sleep("cool off", timedelta(days=3))
    return "shipped"


def test_one_of_two() -> None:
    with Sandbox(app) as box:
        [kept], [withdrawn] = box.send(OrderPlaced(order_id="kept")), box.send(OrderPlaced(order_id="withdrawn"))
        assert box.send(OrderWithdrawn(order_id="withdrawn")) == []
        assert (kept.status, withdrawn.status) == ("waiting", "cancelled")
        assert str(withdrawn.view.reason).startswith("event shop/order.withdrawn")
        box.advance(timedelta(days=3))
        assert kept.result == "shipped"
        box.send(OrderWithdrawn(order_id="kept"))
        assert kept.status == "completed"
