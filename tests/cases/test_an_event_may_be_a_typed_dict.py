"""A TypedDict does not know which event it is: it is sent as EventOf.

Covers: event.typed-dict
"""

from typing import TypedDict

import pytest

from milepost import (
    App,
    EventError,
    EventOf,
    Step,
)
from milepost.testing import Sandbox

app = App("event-typed-dict")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(TypedDict):
    order_id: str
    pieces: int


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> str:
    return f"{event['pieces']} of {event['order_id']}"


def test_with_its_type() -> None:
    with Sandbox(app) as box:
        [run] = box.send(EventOf(OrderPlaced, OrderPlaced(order_id="o-1", pieces=2)))
        assert run.result == "2 of o-1"


def test_a_bare_dict_is_refused() -> None:
    with Sandbox(app) as box, pytest.raises(EventError, match="EventOf"):
        box.send({"order_id": "o-1", "pieces": 2})
