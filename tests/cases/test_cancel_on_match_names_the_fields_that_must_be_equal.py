"""CancelOn(match=) compares each key of the cancelling event with a field path of the run's own.

Covers: function.cancel-on-match
"""

from dataclasses import dataclass
from datetime import timedelta

from milepost import (
    App,
    CancelOn,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("cancel-match")


@dataclass(frozen=True)
class Customer:
    id: int


@app.event("shop/order.placed")
class OrderPlaced(Event):
    number: str
    customer: Customer


@app.event("shop/customer.left", keys=("customer_id", "order_id"))
class CustomerLeft(Event):
    customer_id: int
    order_id: str


@app.function(on=OrderPlaced, cancel_on=[CancelOn(CustomerLeft, match={"customer_id": "customer.id", "order_id": "number"})])
def fulfil(event: OrderPlaced, step: Step) -> None:
    step.sleep("cool off", timedelta(days=3))


def test_all_keys_must_be_equal() -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(number="o-1", customer=Customer(7)))
        box.send(CustomerLeft(customer_id=8, order_id="o-1"), CustomerLeft(customer_id=7, order_id="o-2"))
        assert run.status == "waiting"
        box.send(CustomerLeft(customer_id=7, order_id="o-1"))
        assert run.status == "cancelled"
