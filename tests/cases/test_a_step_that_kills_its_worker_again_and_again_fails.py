"""A step in which the worker has died four times fails with WorkerCrashed, and the run goes on from there.

Covers: bound.crashes
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Step,
    WorkerCrashed,
)
from milepost.testing import Sandbox
from milepost.testing.crashes import WorkerKilled

app = App("crashes")
deaths: list[str] = []


def swallow_all_memory() -> None:
    deaths.append("died")
    raise WorkerKilled


@app.function()
def careful(event: None, step: Step) -> str:
    step.run("before", lambda: None)
    try:
        step.run("explode", swallow_all_memory)
    except WorkerCrashed as error:
        killer = error.step
        return step.run("after", lambda: killer)
    return "survived"


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_the_fourth_noted_death_is_the_last() -> None:
    with Sandbox(app) as box:
        run = box.invoke(careful, None)
        box.advance(timedelta(hours=1))
        assert run.result == "explode"
        assert len(deaths) == 5  # of the first nobody could note in which step it was
        assert [step.status for step in run.steps] == ["completed", "failed", "completed"]
