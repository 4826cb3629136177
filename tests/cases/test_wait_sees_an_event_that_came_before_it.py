"""An event that came after the run began and before it waited is delivered: nobody has to be first.

Covers: wait.lookback, wait.since-trigger, promise.delivered-once
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-before")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str
    by: str


@app.function(on=OrderPlaced, waits_for=[OrderPaid])
def fulfil(event: OrderPlaced, step: Step) -> str:
    step.sleep("cool off", timedelta(days=3))
    paid = step.wait_for_event("payment", OrderPaid, order_id=event.order_id, timeout=timedelta(days=7))
    return "nobody" if paid is None else paid.by


def test_the_payment_came_while_the_run_slept() -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(order_id="o-1"))
        box.advance(timedelta(days=1))
        box.send(OrderPaid(order_id="o-1", by="ada"))
        box.advance(timedelta(days=2))
        assert run.result == "ada"
