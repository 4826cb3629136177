"""step.run_id and step.event (id, name, at, source) tell the run and its event, and never change.

Covers: run-id, step-event
"""

from datetime import datetime, timedelta

import pytest

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("run-id")
seen: list[tuple[str, str, str, datetime, str]] = []


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> None:
    seen.append((step.run_id, step.event.id, step.event.name, step.event.at, step.event.source))
    step.sleep("an hour", timedelta(hours=1))


@pytest.mark.modes(without="simulated-rough", reason="it counts the replays")
def test_first_run_and_replay() -> None:
    with Sandbox(app) as box:
        sent = box.now
        [run] = box.send(OrderPlaced(order_id="o-1"), id="mine")
        box.advance(timedelta(hours=1))
        assert len(seen) == 2
        assert set(seen) == {(run.id, "mine", "shop/order.placed", sent, "milepost.run-id")}
