"""Without lookback= a wait sees events from ten seconds before the run's own event on, and none before.

Covers: wait.since-trigger
"""

from datetime import timedelta

import pytest

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-since-trigger")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str


@app.function(on=OrderPlaced, waits_for=[OrderPaid])
def fulfil(event: OrderPlaced, step: Step) -> bool:
    return step.wait_for_event("payment", OrderPaid, order_id=event.order_id, timeout=timedelta(days=7)) is not None


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_ten_seconds_count_eleven_do_not() -> None:
    with Sandbox(app) as box:
        box.send(OrderPaid(order_id="o-1"))
        box.advance(timedelta(seconds=1))
        box.send(OrderPaid(order_id="o-2"))
        box.advance(timedelta(seconds=10))
        [early] = box.send(OrderPlaced(order_id="o-1"))
        [in_time] = box.send(OrderPlaced(order_id="o-2"))
        assert early.status == "waiting"
        assert in_time.result is True
