"""lookback= counts from the wait itself: events that came within it are seen, older ones are not.

Covers: wait.lookback
"""

from datetime import timedelta

import pytest

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-lookback")


@app.event("door/opened", keys=("door",))
class Opened(Event):
    door: str


@app.function(waits_for=[Opened])
def watch(event: str, step: Step) -> bool:
    opened = step.wait_for_event("open", Opened, door=event, lookback=timedelta(hours=1), timeout=timedelta(minutes=1))
    return opened is not None


@app.function(waits_for=[Opened])
def watch_from_now(event: str, step: Step) -> bool:
    step.sleep("settle", timedelta(minutes=5))
    opened = step.wait_for_event("open", Opened, door=event, lookback=timedelta(0), timeout=timedelta(minutes=1))
    return opened is not None


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_an_hour_and_no_longer() -> None:
    with Sandbox(app) as box:
        box.send(Opened(door="back"))
        box.advance(timedelta(minutes=1))
        box.send(Opened(door="front"))
        box.advance(timedelta(hours=1))
        assert box.invoke(watch, "front").result is True
        assert box.invoke(watch, "back").status == "waiting"


def test_no_lookback_at_all() -> None:
    with Sandbox(app) as box:
        run = box.invoke(watch_from_now, "front")
        box.advance(timedelta(minutes=4))
        box.send(Opened(door="front"))
        box.advance(timedelta(minutes=2))
        assert run.result is False
