"""A wait without a key, or with one that the event does not declare, is an error that names the keys.

Covers: wait.keys, promise.bad-input
"""

from datetime import timedelta
from typing import Any

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-needs-key")


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str
    by: str = ""


@app.function(waits_for=[OrderPaid])
def pay(event: dict[str, Any], step: Step) -> None:
    step.wait_for_event("payment", OrderPaid, timeout=timedelta(days=1), **event)


def test_each_error_names_what_is_wrong() -> None:
    with Sandbox(app) as box:
        none, undeclared, mistyped = (box.invoke(pay, keys) for keys in ({}, {"by": "ada"}, {"order_id": 7}))
        assert (none.status, undeclared.status, mistyped.status) == ("failed", "failed", "failed")
        assert "needs at least one of its keys: order_id=..." in str(none.error)
        assert "'by'" in str(undeclared.error)
        assert "its keys are order_id" in str(undeclared.error)
        assert "order_id" in str(mistyped.error)
        assert "7" in str(mistyped.error)
        assert none.steps == undeclared.steps == mistyped.steps == []
