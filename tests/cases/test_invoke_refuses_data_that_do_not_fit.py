"""Data that do not fit the invoked function fail the parent with one clear error, before a child is born.

Covers: invoke, promise.bad-input
"""

from typing import Any

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("invoke-misfit")


@app.event("shop/make.receipt")
class MakeReceipt(Event):
    order_id: str


@app.function(on=MakeReceipt)
def make_receipt(event: MakeReceipt, step: Step) -> str:
    return event.order_id


@app.function()
def count(event: int, step: Step) -> int:
    return event


@app.function()
def wrong_event(event: Any, step: Step) -> str:
    return step.invoke("receipt", make_receipt, event)


@app.function()
def wrong_data(event: Any, step: Step) -> int:
    return step.invoke("count", count, event)


def test_no_child_is_born() -> None:
    with Sandbox(app) as box:
        event, data = box.invoke(wrong_event, {"order_id": 1}), box.invoke(wrong_data, "three")
        assert (event.status, data.status) == ("failed", "failed")
        assert "dict" in str(event.error)
        assert "'count'" in str(data.error)
        assert "three" in str(data.error)
        assert box.runs(make_receipt) == []
        assert box.runs(count) == []
