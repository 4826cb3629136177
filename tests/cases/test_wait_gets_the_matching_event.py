"""wait_for_event suspends the run and gives it the event that matches, rebuilt as its type.

Covers: wait, wait.keys, promise.delivered-once
"""

from datetime import timedelta
from decimal import Decimal

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str
    total: Decimal


@app.function(on=OrderPlaced, waits_for=[OrderPaid])
def fulfil(event: OrderPlaced, step: Step) -> Decimal | None:
    paid = step.wait_for_event("payment", OrderPaid, order_id=event.order_id, timeout=timedelta(days=7))
    return None if paid is None else paid.total


def test_only_the_run_of_that_order_goes_on() -> None:
    with Sandbox(app) as box:
        [first] = box.send(OrderPlaced(order_id="o-1"))
        [second] = box.send(OrderPlaced(order_id="o-2"))
        assert box.send(OrderPaid(order_id="o-2", total=Decimal("9.50"))) == []
        assert (first.status, second.status) == ("waiting", "completed")
        assert second.result == Decimal("9.50")
