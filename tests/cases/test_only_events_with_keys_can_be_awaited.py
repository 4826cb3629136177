"""waits_for takes events that can be found: one without keys is refused at import.

Covers: function.waits-for, event.unkeyed
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    DefinitionError,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("unkeyed")


@app.event("shop/opened")
class ShopOpened(Event):
    by: str


@app.event("shop/order.approved", keys=("order_id",))
class OrderApproved(Event):
    order_id: str


@app.function(on=ShopOpened, waits_for=[OrderApproved])
def greet(event: ShopOpened, step: Step) -> str:
    approval = step.wait_for_event("approval", OrderApproved, order_id="o-1", timeout=timedelta(days=1))
    return f"{event.by}, {'nobody' if approval is None else approval.order_id}"


def test_it_can_trigger() -> None:
    with Sandbox(app) as box:
        [run] = box.send(ShopOpened(by="ada"))
        box.send(OrderApproved(order_id="o-1"))
        assert run.result == "ada, o-1"


def test_it_cannot_be_awaited() -> None:
    with pytest.raises(DefinitionError, match="ShopOpened has no keys"):

        @app.function(waits_for=[ShopOpened])
        def wait(event: None, step: Step) -> None: ...
