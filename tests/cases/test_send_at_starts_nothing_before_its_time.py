"""An event that is sent for later starts its runs then, and not before.

Covers: door.send-at
"""

from datetime import datetime, timedelta

import pytest

from milepost import (
    App,
    Event,
    Step,
    UsageError,
)
from milepost.testing import Sandbox

app = App("send-at")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> datetime:
    return step.event.at


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_an_hour_from_now() -> None:
    with Sandbox(app) as box:
        at = box.now + timedelta(days=40)
        assert box.send(OrderPlaced(order_id="o-1"), id="later", at=at) == []
        assert app.send(OrderPlaced(order_id="o-1"), id="later", at=at) == ["later"]
        box.advance(timedelta(days=40) - timedelta(milliseconds=1))
        assert box.runs() == []
        box.advance(timedelta(milliseconds=1))
        [run] = box.runs(fulfil)
        assert run.result == at
        assert run.created_at == at


def test_a_past_time_is_now_and_a_naive_one_an_error() -> None:
    with Sandbox(app) as box:
        app.send(OrderPlaced(order_id="o-1"), at=box.now - timedelta(hours=1))
        box.run_until_idle()
        assert len(box.runs()) == 1
        with pytest.raises(UsageError, match="naive"):
            app.send(OrderPlaced(order_id="o-2"), at=datetime(2026, 1, 1, 9, 30))
