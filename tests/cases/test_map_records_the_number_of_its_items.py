"""The number of items is recorded: a replay that comes with another number pauses the run and says what to do.

Covers: map.count, identity.mismatch
"""

from datetime import timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("map-count")
items = ["a", "b"]


def upper(item: str) -> str:
    return item.upper()


@app.function()
def label(event: None, step: Step) -> list[str]:
    labels = step.map("label", upper, items)
    step.sleep("an hour", timedelta(hours=1))
    return labels


def test_one_item_more() -> None:
    with Sandbox(app) as box:
        run = box.invoke(label, None)
        items.append("c")
        box.advance(timedelta(hours=1))
        assert run.status == "paused"
        assert "'label' has 3 items, it was recorded with 2. Make its items in a step" in (run.view.reason or "")
        items.pop()
        box.resume(run)
        assert run.result == ["A", "B"]
