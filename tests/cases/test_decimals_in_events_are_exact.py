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


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> str:
    step.sleep("nap", timedelta(hours=1))
    return str(event.total)


@app.function(on=Trigger(OrderPlaced, where={"total": [{"numeric": [">", 0.1]}]}))
def reward(event: OrderPlaced, step: Step) -> str:
    return step.run("points", str, event.total)


@pytest.mark.parametrize("total", ["9.50", "0.1", "12345678901234567890.123456789", "100"])
def test_to_the_last_digit(total: str) -> None:
    with Sandbox(app) as box:
        box.send(OrderPlaced(total=Decimal(total)))
        box.advance(timedelta(hours=1))
        [run] = box.runs(fulfil)
        assert run.result == total


@pytest.mark.parametrize(("total", "is_rewarded"), [("9.50", True), ("0.1", False), ("0.10", False), ("0.11", True)])
def test_a_filter_compares_it(total: str, is_rewarded: bool) -> None:
    with Sandbox(app) as box:
        box.send(OrderPlaced(total=Decimal(total)))
        assert [run.result for run in box.runs(reward)] == [total] * is_rewarded
