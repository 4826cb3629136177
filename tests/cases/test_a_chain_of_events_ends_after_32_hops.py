"""Events that lead to events end after 32 hops: a longer chain is taken for a loop, and said to be one.

Covers: bound.hops
"""

from datetime import timedelta

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("hops")


@app.event("shop/ping")
class Ping(Event):
    number: int


@app.function(on=Ping)
def pong(event: Ping, step: Step) -> int:
    step.send_event("again", Ping(number=event.number + 1))
    return event.number


@app.function()
def nested(event: int, step: Step) -> int:
    return step.invoke("deeper", nested, event + 1)


def test_events() -> None:
    with Sandbox(app) as box:
        box.send(Ping(number=0))
        runs = box.runs(pong)
        assert sorted(run.result for run in runs if run.status == "completed") == list(range(32))
        [last] = [run for run in runs if run.status == "failed"]  # the 33rd, whose own event would be one too many
        assert "step 'again': 33 events and runs led to this event, 32 at most: taken for a loop" in str(last.error)


def test_children() -> None:
    with Sandbox(app) as box:
        run = box.invoke(nested, 0)
        box.advance(timedelta(hours=1))
        assert run.status == "failed"
        assert "taken for a loop" in str(run.error)
        assert len(box.runs(nested)) < 40
