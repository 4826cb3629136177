"""Only a step.run has arguments to edit: for any other step a rerun with input is refused, not run unedited.

Covers: door.rerun-input, promise.bad-input
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Step,
    UsageError,
)
from milepost.testing import Sandbox

app = App("rerun-no-arguments")


@app.function()
def order(event: None, step: Step) -> None:
    step.sleep("nap", timedelta(hours=1))


def test_a_sleep_has_none() -> None:
    with Sandbox(app) as box:
        run = box.invoke(order, None)
        box.advance(timedelta(hours=1))
        with pytest.raises(UsageError, match="'nap' is a sleep"):
            box.rerun(run, from_step="nap", input=[1])
        assert len(box.runs()) == 1
