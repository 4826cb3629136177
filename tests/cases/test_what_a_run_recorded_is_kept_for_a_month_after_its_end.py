"""A run that slept for weeks is there with all its steps 30 days after its end, and gone some time later.

Covers: promise.never-stuck
"""

from datetime import timedelta

import pytest

from milepost import App, Event, RunNotFound, Step
from milepost.testing import Sandbox

app = App("kept")


@app.event("cellar/filled")
class Filled(Event):
    barrel: str


def seal(barrel: str) -> str:
    return barrel


@app.function(on=Filled)
def age(event: Filled, step: Step) -> None:
    step.run("seal", seal, event.barrel)
    step.sleep("ripen", timedelta(days=39))
    step.run("open", seal, event.barrel)


@pytest.mark.modes(without="moto", reason="it makes so many requests that moto takes a minute")
def test_thirty_days_after_its_end_and_no_longer_than_a_hundred() -> None:
    with Sandbox(app) as box:
        [run] = box.send(Filled(barrel="b-1"))
        box.advance(timedelta(days=39))
        assert run.status == "completed"
        for _ in range(30):  # another run keeps the sweeper going
            box.send(Filled(barrel="b-2"))
            box.advance(timedelta(days=1))
        assert [step.name for step in run.steps] == ["seal", "ripen", "open"]
        for _ in range(70):
            box.send(Filled(barrel="b-2"))
            box.advance(timedelta(days=1))
        with pytest.raises(RunNotFound, match="30 days"):
            _ = run.status
