"""invoke_many runs a child per item, and returns their results in the order of the items, whichever ends first.

Covers: invoke-many
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("invoke-many")


@app.function()
def work(event: int, step: Step) -> str:
    step.sleep("work", timedelta(hours=event))
    return f"{event} h"


@app.function()
def parent(event: list[int], step: Step) -> list[str]:
    return step.invoke_many("all", work, (hours for hours in event))


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_the_last_ends_first() -> None:
    with Sandbox(app) as box:
        nothing: list[int] = []
        run, none = box.invoke(parent, [3, 1, 2]), box.invoke(parent, nothing)
        assert len(box.runs(work)) == 3
        box.advance(timedelta(hours=3) - timedelta(milliseconds=1))
        assert run.status == "waiting"
        box.advance(timedelta(milliseconds=1))
        assert run.result == ["3 h", "1 h", "2 h"]
        assert none.result == []
