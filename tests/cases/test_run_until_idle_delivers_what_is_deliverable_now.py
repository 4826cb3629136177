"""run_until_idle delivers everything that is deliverable now, and lets no time pass.

Covers: kit.idle
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("idle-box")


@app.event("shop/ping")
class Ping(Event):
    number: int


@app.function(on=Ping)
def pong(event: Ping, step: Step) -> int:
    if event.number < 3:
        step.send_event("again", Ping(number=event.number + 1))
    step.sleep("nap", timedelta(hours=1))
    return event.number


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_a_chain_but_no_sleep() -> None:
    with Sandbox(app) as box:
        at = box.now
        app.send(Ping(number=0))
        assert box.runs() == []
        box.run_until_idle()
        assert [run.status for run in box.runs(pong)] == ["waiting"] * 4
        assert box.now == at
