"""A rerun from a step that the run does not have names those that it has; a rerun of no run says so.

Covers: door.rerun-from-step, promise.bad-input
"""

import pytest

from milepost import (
    App,
    RunNotFound,
    Step,
    StepNotFound,
)
from milepost.testing import Sandbox

app = App("rerun-unknown")


@app.function()
def order(event: None, step: Step) -> None:
    step.run("reserve", lambda: None)
    step.run("ship", lambda: None)


def test_nothing_is_started() -> None:
    with Sandbox(app) as box:
        run = box.invoke(order, None)
        with pytest.raises(StepNotFound, match=r"no step 'shp'; its steps are 'reserve', 'ship'"):
            box.rerun(run, from_step="shp")
        with pytest.raises(RunNotFound, match="no run 'nobody'"):
            box.rerun("nobody")
        assert len(box.runs()) == 1
