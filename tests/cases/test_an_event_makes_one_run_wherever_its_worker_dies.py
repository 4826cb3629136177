"""An accepted event makes exactly one run, and each step one record, wherever the worker dies.

Covers: promise.one-run, promise.result-once, kit.crash
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("one-run-crash")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.function(on=OrderPlaced)
def fulfil(event: OrderPlaced, step: Step) -> list[int]:
    drawn.append(len(drawn))
    first = step.run("draw", lambda: drawn[-1])
    step.sleep("nap", timedelta(hours=1))
    return [first, step.run("read", lambda: first)]


drawn: list[int] = []


@pytest.mark.parametrize("calls", range(1, 9))
def test_one_run_one_record(calls: int) -> None:
    with Sandbox(app) as box:
        box.crash_after(calls)
        [run] = box.send(OrderPlaced(order_id="o-1"))
        recorded = run.steps[0].result
        box.advance(timedelta(hours=2))
        assert len(box.runs()) == 1
        assert run.result == [recorded, recorded]
        assert run.steps[0].result == recorded
