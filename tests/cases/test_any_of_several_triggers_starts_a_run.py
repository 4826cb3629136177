"""A function on a list of triggers runs for each of them, its event as what it is.

Covers: function.several
"""

from datetime import timedelta

from milepost import (
    App,
    Cron,
    CronTick,
    Event,
    Step,
    Trigger,
)
from milepost.testing import Sandbox

app = App("several")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.event("shop/order.returned")
class OrderReturned(Event):
    order_id: str
    reason: str


@app.function(on=[OrderPlaced, Trigger(OrderReturned, where={"reason": ["broken"]}), Cron("0 12 * * *")])
def note(event: OrderPlaced | OrderReturned | CronTick, step: Step) -> str:
    match event:
        case OrderPlaced():
            return f"placed {event.order_id}"
        case OrderReturned():
            return f"returned {event.order_id}: {event.reason}"
        case CronTick():
            return f"tick at {event.scheduled_at:%H:%M}"


def test_each_of_them() -> None:
    with Sandbox(app) as box:
        box.send(OrderPlaced(order_id="o-1"), OrderReturned(order_id="o-2", reason="broken"), OrderReturned(order_id="o-3", reason="bored"))
        box.advance(timedelta(hours=4))
        assert sorted(run.result for run in box.runs(note)) == ["placed o-1", "returned o-2: broken", "tick at 12:00"]
