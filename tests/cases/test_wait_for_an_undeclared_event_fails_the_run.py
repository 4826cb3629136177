"""Waiting for an event that is not in waits_for fails the run at once, and says what to write.

Covers: wait.undeclared, function.waits-for, promise.bad-input
"""

from datetime import timedelta

from milepost import App, Event, Step, UndeclaredWaitError
from milepost.testing import Sandbox

app = App("wait-undeclared")


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str


@app.function()
def swallow(event: str, step: Step) -> str:
    try:
        step.wait_for_event("payment", OrderPaid, order_id=event, timeout=timedelta(days=1))
    except UndeclaredWaitError:
        return "never mind"
    return "paid"


def test_it_cannot_be_swallowed() -> None:
    with Sandbox(app) as box:
        run = box.invoke(swallow, "o-1")
        assert run.status == "failed"
        assert run.error is not None
        assert run.error.type.endswith("UndeclaredWaitError")
        assert "waits_for=[OrderPaid]" in run.error.message
        assert run.steps == []
