"""A matching event ends a wait exactly once: before it, after it, or sent twice.

Covers: promise.delivered-once, wait.consumed
"""

from datetime import timedelta

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("delivered-once")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str


@app.event("shop/order.approved", keys=("order_id",))
class OrderApproved(Event):
    order_id: str
    by: str


@app.function(on=OrderPlaced, waits_for=[OrderApproved])
def fulfil(event: OrderPlaced, step: Step) -> list[str]:
    step.sleep("nap", timedelta(hours=1))
    found = [step.wait_for_event("approval", OrderApproved, order_id="o-1", timeout=timedelta(hours=1)) for _ in range(3)]
    return ["nobody" if one is None else one.by for one in found]


def test_three_waits_two_events() -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(order_id="o-1"))
        box.send(OrderApproved(order_id="o-1", by="ada"), id="first")
        box.send(OrderApproved(order_id="o-1", by="ada"), id="first")
        box.advance(timedelta(hours=1))
        box.send(OrderApproved(order_id="o-1", by="bob"), id="second")
        box.send(OrderApproved(order_id="o-1", by="bob"), id="second")
        box.send(OrderApproved(order_id="o-1", by="ada"), id="first")
        box.advance(timedelta(hours=2))
        assert run.result == ["ada", "bob", "nobody"]
