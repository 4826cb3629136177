"""A sleep is never early, nor is a time-out, a retry or a later event.

Covers: promise.never-early, kit.advance
"""

from datetime import datetime, timedelta

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("never-early")
woke: list[datetime] = []


@app.event("shop/order.approved", keys=("order_id",))
class OrderApproved(Event):
    order_id: str


@app.function(waits_for=[OrderApproved])
def sleepy(event: None, step: Step) -> None:
    step.sleep("nap", timedelta(hours=1))
    step.wait_for_event("approval", OrderApproved, order_id="o-1", timeout=timedelta(hours=1))


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_to_the_millisecond() -> None:
    hair = timedelta(milliseconds=1)
    with Sandbox(app) as box:
        run = box.invoke(sleepy, None)
        box.advance(timedelta(hours=1) - hair)
        assert len(run.steps) == 1
        box.advance(hair)
        assert len(run.steps) == 2
        box.advance(timedelta(hours=1) - hair)
        assert run.status == "waiting"
        box.advance(hair)
        assert run.status == "completed"
