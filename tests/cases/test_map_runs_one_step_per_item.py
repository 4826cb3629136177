"""map runs a function over items, one step `name/<i>` each, and returns the results in the order of the items.

Covers: map
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("map")
made: list[str] = []


def make_label(item: str) -> str:
    made.append(item)
    return item.upper()


@app.function()
def label(event: list[str], step: Step) -> list[str]:
    labels = step.map("label", make_label, (item for item in event))
    step.sleep("an hour", timedelta(hours=1))
    return labels


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it asserts the order in which items are worked on")
def test_each_item_is_a_step_and_runs_once() -> None:
    with Sandbox(app) as box:
        run = box.invoke(label, ["a", "b", "c"])
        box.advance(timedelta(hours=1))
        assert run.result == ["A", "B", "C"]
        assert made == ["a", "b", "c"]
        assert [step.path for step in run.steps if step.kind == "run"] == ["label/0", "label/1", "label/2"]
        nothing: list[str] = []
        none = box.invoke(label, nothing)
        box.advance(timedelta(hours=1))
        assert none.result == []
