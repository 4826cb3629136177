"""box.runs lists the runs of a function, or of a status, the newest first.

Covers: kit.runs
"""

from datetime import timedelta

from milepost import (
    App,
    RunStatus,
    Step,
)
from milepost.testing import Sandbox

app = App("box-runs")


@app.function()
def nap(event: int, step: Step) -> int:
    step.sleep("nap", timedelta(hours=event))
    return event


@app.function(retries=0)
def fail(event: None, step: Step) -> None:
    raise ValueError("no")


def test_of_two_functions() -> None:
    with Sandbox(app) as box:
        for hours in (1, 2, 3):
            box.invoke(nap, hours)
            box.advance(timedelta(minutes=1))
        box.invoke(fail, None)
        box.advance(timedelta(hours=2))
        assert [run.status for run in box.runs(nap)] == ["waiting", "completed", "completed"]
        assert [run.result for run in box.runs("nap", status="completed")] == [2, 1]
        assert len(box.runs(status=RunStatus.FAILED)) == 1
        assert len(box.runs()) == 4
        assert box.runs(nap, status="cancelled") == []
