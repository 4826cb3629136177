"""A cancelled run is handed to on_cancel, a completed or failed one is not.

Covers: function.on-cancel, kit.cancel
"""

from datetime import timedelta

from milepost import (
    App,
    Event,
    Failure,
    Step,
)
from milepost.testing import Sandbox

app = App("on-cancel")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


def restock(event: OrderPlaced, step: Step, failure: Failure) -> str:
    assert failure.error is None
    return step.run("restock", lambda: f"{event.order_id} {failure.status}")


@app.function(on=OrderPlaced, on_cancel=restock, retries=0)
def fulfil(event: OrderPlaced, step: Step) -> None:
    step.sleep("nap", timedelta(hours=1))
    if event.order_id == "bad":
        raise ValueError("bad")


def test_only_when_cancelled() -> None:
    with Sandbox(app) as box:
        runs = [run for order in ("good", "bad", "late") for run in box.send(OrderPlaced(order_id=order))]
        box.cancel(runs[2])
        assert runs[2].status == "cancelled"
        box.cancel(runs[2].id)  # again: nothing more
        box.advance(timedelta(hours=1))
        assert [run.status for run in runs] == ["completed", "failed", "cancelled"]
        [handler] = box.runs("fulfil.on_cancel")
        assert handler.result == "late cancelled"
