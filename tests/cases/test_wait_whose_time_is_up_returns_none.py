"""A wait that nothing meets returns None at its time-out, and an event that comes later changes nothing.

Covers: wait.timeout
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-timeout")


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str


@app.function(waits_for=[OrderPaid])
def pay(event: str, step: Step) -> bool:
    paid = step.wait_for_event("payment", OrderPaid, order_id=event, timeout=timedelta(days=7))
    step.sleep("an hour", timedelta(hours=1))
    return paid is not None


def test_late_is_too_late() -> None:
    with Sandbox(app) as box:
        run = box.invoke(pay, "o-1")
        box.advance(timedelta(days=7))
        box.send(OrderPaid(order_id="o-1"))
        box.advance(timedelta(hours=1))
        assert run.result is False
        [wait, _sleep] = run.steps
        assert (wait.kind, wait.status, wait.result) == ("wait", "completed", None)
