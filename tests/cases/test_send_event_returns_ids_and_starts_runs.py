"""send_event emits events, returns their ids, and starts what they trigger.

Covers: send-event
"""

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("send-event")


@app.event("shop/shipped", keys=("order_id",))
class Shipped(Event):
    order_id: str


@app.function()
def ship(event: None, step: Step) -> list[str]:
    return step.send_event("announce", Shipped(order_id="o-1"), Shipped(order_id="o-2"))


@app.function(on=Shipped)
def thank(event: Shipped, step: Step) -> tuple[str, str, str]:
    return event.order_id, step.event.id, step.event.source


def test_two_events_two_runs() -> None:
    with Sandbox(app) as box:
        ids = box.invoke(ship, None).result
        assert len(set(ids)) == 2
        assert sorted(run.result for run in box.runs(thank)) == [
            ("o-1", ids[0], "milepost.send-event"),
            ("o-2", ids[1], "milepost.send-event"),
        ]
