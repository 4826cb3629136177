"""A trigger's filter on the data starts a run only for the events that it takes.

Covers: function.filter
"""

from decimal import Decimal

from milepost import (
    App,
    Event,
    Step,
    Trigger,
)
from milepost.testing import Sandbox

app = App("filter")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    total: Decimal
    country: str = "FR"


@app.function(on=Trigger(OrderPlaced, where={"total": [{"numeric": [">=", 100]}], "country": ["FR", "DE"]}))
def review(event: OrderPlaced, step: Step) -> Decimal:
    return event.total


def test_only_large_orders_of_two_countries() -> None:
    with Sandbox(app) as box:
        assert box.send(OrderPlaced(total=Decimal("99.99"))) == []
        assert box.send(OrderPlaced(total=Decimal(250), country="US")) == []
        [run] = box.send(OrderPlaced(total=Decimal("100.00")))
        assert run.result == Decimal("100.00")
        assert len(box.runs()) == 1
