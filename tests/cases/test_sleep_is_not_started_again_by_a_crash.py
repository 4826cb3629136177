"""A sleep's instant is recorded before the run suspends: a crash does not start the time again.

Covers: sleep, promise.never-early
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("sleep-crash")


@app.function()
def nap(event: None, step: Step) -> str:
    step.sleep("nap", timedelta(hours=3))
    return "awake"


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_crash_before_the_suspension_is_committed() -> None:
    with Sandbox(app) as box:
        begun = box.now
        box.crash_after(2)  # born, sleep recorded; not suspended
        run = box.invoke(nap, None)
        assert box.now > begun
        box.advance(begun + timedelta(hours=3) - box.now)
        assert run.result == "awake"
        assert run.steps[0].ended_at == begun + timedelta(hours=3)
