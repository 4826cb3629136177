"""step.sleep suspends the run for its duration, and not a millisecond less.

Covers: sleep, promise.never-early
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("sleep")


@app.function()
def nap(event: None, step: Step) -> str:
    step.sleep("nap", timedelta(hours=3))
    return "awake"


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_awake_at_the_instant() -> None:
    with Sandbox(app) as box:
        run = box.invoke(nap, None)
        assert run.status == "waiting"
        box.advance(timedelta(hours=3) - timedelta(milliseconds=1))
        assert run.status == "waiting"
        box.advance(timedelta(milliseconds=1))
        assert run.result == "awake"
        [slept] = run.steps
        assert (slept.kind, slept.status) == ("sleep", "completed")
