"""app.run gives a live handle, app.runs the newest runs that fit, app.cancel cancels one.

Covers: door.run, door.cancel
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    FunctionNotFound,
    RunNotFound,
    Step,
)
from milepost.testing import Sandbox

app = App("doors")


@app.function()
def nap(event: int, step: Step) -> int:
    step.sleep("nap", timedelta(hours=event))
    return event


@app.function()
def other(event: None, step: Step) -> None: ...


def test_from_outside() -> None:
    with Sandbox(app) as box:
        runs = [box.invoke(nap, hours) for hours in (1, 2, 3)]
        box.invoke(other, None)
        box.advance(timedelta(hours=1))
        assert {run.id for run in app.runs(nap, status="waiting")} == {runs[1].id, runs[2].id}
        assert len(app.runs()) == 4
        assert len(app.runs(limit=2)) == 2
        assert app.runs("other")[0].status == "completed"
        app.cancel(runs[2].id)
        assert app.run(runs[2].id).status == "cancelled"
        app.cancel(runs[0].id)
        assert runs[0].result == 1  # what has ended stays as it is
        assert runs[0] == app.run(runs[0].id)


def test_what_is_not_there() -> None:
    with Sandbox(app):
        with pytest.raises(RunNotFound, match="no run 'nobody'"):
            app.cancel("nobody")
        with pytest.raises(RunNotFound, match="no run 'nobody'"):
            _ = app.run("nobody").status
        with pytest.raises(FunctionNotFound, match="nap"):
            app.runs("napp")
