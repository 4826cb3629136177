"""A msgspec.Struct is an event as it stands.

Covers: event.struct
"""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from milepost import (
    App,
    Step,
)
from milepost.testing import Sandbox

app = App("event-struct")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(msgspec.Struct, frozen=True):
    order_id: str
    at: datetime
    total: Decimal = Decimal(0)


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> OrderPlaced:
    assert isinstance(event, OrderPlaced)
    return event


def test_it_comes_back() -> None:
    with Sandbox(app) as box:
        sent = OrderPlaced("o-1", datetime(2026, 1, 1, tzinfo=UTC), Decimal("1.10"))
        [run] = box.send(sent)
        assert run.result == sent
