"""send_event of something that is no event fails the run with one clear error, and sends nothing.

Covers: send-event, promise.bad-input
"""

from dataclasses import dataclass

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("send-event-wrong")


@app.event("shop/shipped")
class Shipped(Event):
    order_id: str


@dataclass
class Shiped:
    order_id: str


@app.function()
def ship(event: None, step: Step) -> None:
    step.send_event("announce", Shipped(order_id="o-1"), Shiped(order_id="o-2"))


@app.function(on=Shipped)
def thank(event: Shipped, step: Step) -> None: ...


def test_neither_is_sent() -> None:
    with Sandbox(app) as box:
        run = box.invoke(ship, None)
        assert run.status == "failed"
        assert "step 'announce': Shiped is no event of app 'send-event-wrong'" in str(run.error)
        assert "Did you mean 'Shipped'?" in str(run.error)
        assert box.runs(thank) == []
