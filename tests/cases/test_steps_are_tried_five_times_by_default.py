"""By default a step is tried 4 times more, after about 15 s, 30 s, 1 m and 2 m: never sooner, and the same at every repetition.

Covers: errors.default-retries
"""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("errors-default")


def attempts() -> list[float]:
    tries: list[datetime] = []
    tries_of.append(tries)
    with Sandbox(app) as box:
        boxes.append(box)
        run = box.invoke(job, None, id="the same")
        box.advance(timedelta(hours=1))
        assert run.status == "failed"
        assert run.steps[0].attempts == 5
    return [(later - sooner).total_seconds() for sooner, later in pairwise(tries)]


tries_of: list[list[datetime]] = []
boxes: list[Sandbox] = []


def fail() -> None:
    tries_of[-1].append(boxes[-1].now)
    raise ConnectionError("down")


@app.function()
def job(event: None, step: Step) -> None:
    step.run("fail", fail)


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_five_attempts_with_growing_pauses() -> None:
    pauses = attempts()
    assert len(pauses) == 4
    for pause, least in zip(pauses, (15, 30, 60, 120), strict=True):
        assert least <= pause <= least * 1.1
    assert pauses != [15, 30, 60, 120]
    assert attempts() == pauses
