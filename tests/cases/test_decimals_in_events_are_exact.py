"""A Decimal is a JSON number on the bus, so filters can compare it, and comes back to the last digit.

Covers: event.decimal
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from milepost import (
    App,
    Event,
    Step,
    Trigger,
)
from milepost.testing import Sandbox

app = App("event-decimal")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    total: Decimal


@app.function(on=Trigger(OrderPlaced, where={"total": [{"numeric": [">", 0]}]}))
def fulfil(event: OrderPlaced, step: Step) -> str:
    step.sleep("nap", timedelta(hours=1))
    return str(event.total)


@pytest.mark.parametrize("total", ["9.50", "0.1", "1234567890.12345678901234567890", "100"])
def test_to_the_last_digit(total: str) -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(total=Decimal(total)))
        box.advance(timedelta(hours=1))
        assert run.result == total
