"""An event starts one run of each function that is on it, and none of others.

Covers: function.on-event, kit.send
"""

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("fan-out")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.event("shop/order.shipped")
class OrderShipped(Event):
    order_id: str


@app.function(on=OrderPlaced)
def charge(event: OrderPlaced, step: Step) -> str:
    return f"charged {event.order_id}"


@app.function(on=OrderPlaced)
def pack(event: OrderPlaced, step: Step) -> str:
    return f"packed {event.order_id}"


@app.function(on=OrderShipped)
def tell(event: OrderShipped, step: Step) -> None:
    raise AssertionError("nothing was shipped")


def test_two_functions_two_runs() -> None:
    with Sandbox(app) as box:
        runs = box.send(OrderPlaced(order_id="o-1"))
        assert sorted(run.result for run in runs) == ["charged o-1", "packed o-1"]
        assert box.runs(tell) == []
        assert len(box.runs()) == 2
