"""invoke starts a run of another function once, suspends, and returns its result as that function's type.

Covers: invoke
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("invoke")


@app.event("shop/make.receipt")
class MakeReceipt(Event):
    order_id: str


@dataclass(frozen=True)
class Receipt:
    order_id: str
    total: Decimal


@app.function(on=MakeReceipt)
def make_receipt(event: MakeReceipt, step: Step) -> Receipt:
    step.sleep("print", timedelta(minutes=5))
    return Receipt(event.order_id, Decimal("9.50"))


@app.function()
def fulfil(event: str, step: Step) -> Decimal:
    receipt = step.invoke("receipt", make_receipt, MakeReceipt(order_id=event))
    step.sleep("an hour", timedelta(hours=1))
    return receipt.total


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_one_child_one_result() -> None:
    with Sandbox(app) as box:
        run = box.invoke(fulfil, "o-1")
        [child] = box.runs(make_receipt)
        assert (run.status, child.status, child.view.parent) == ("waiting", "waiting", run.id)
        box.advance(timedelta(hours=2))
        assert run.result == Decimal("9.50")
        assert box.runs(make_receipt) == [child]
