"""A step that has succeeded is never run again: every replay gets its record.

Covers: run.records
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("run-records")
charged: list[str] = []


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


def charge(order_id: str) -> str:
    charged.append(order_id)
    return f"payment of {order_id}, try {len(charged)}"


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> str:
    payment = step.run("charge", charge, event.order_id)
    step.sleep("a day", timedelta(days=1))
    step.sleep("another", timedelta(days=1))
    return payment


def test_a_step_runs_once_however_often_the_body_is_replayed() -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(order_id="o-1"))
        box.advance(timedelta(days=3))
        assert run.result == "payment of o-1, try 1"
        assert charged == ["o-1"]
        assert [(step.name, step.status, step.attempts) for step in run.steps if step.kind == "run"] == [("charge", "completed", 1)]
