"""The doors of an app, called from a step, act on the cloud that runs it, and count as a hop.

Covers: door.send-in-run, door.run, door.cancel
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("doors-in-run")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.function(on=OrderPlaced)
def hears(event: OrderPlaced, step: Step) -> str:
    step.sleep("nap", timedelta(days=1))
    return event.order_id


def send() -> list[str]:
    return app.send(OrderPlaced(order_id="from a step"), id="by step")


def cancel_all() -> list[str]:
    found = [run.id for run in app.runs(hears, status="waiting")]
    for run in found:
        app.cancel(run)
    return [app.run(run).status for run in found]


@app.function()
def outer(event: None, step: Step) -> list[str]:
    ids = step.run("send", send)
    step.sleep("a moment", timedelta(minutes=1))
    return [*ids, *step.run("cancel", cancel_all)]


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_a_step_sends_lists_and_cancels() -> None:
    with Sandbox(app) as box:
        run = box.invoke(outer, None)
        box.advance(timedelta(minutes=1))
        assert run.result == ["by step", "cancelled"]
        [heard] = box.runs(hears)
        assert heard.status == "cancelled"
