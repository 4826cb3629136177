"""An event whose key is None is not findable by that key; it is by its others.

Covers: event.missing-key
"""

from datetime import timedelta
from typing import Any

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("missing-key")


@app.event("shop/paid", keys=("order_id", "invoice"))
class Paid(Event):
    order_id: str | None
    invoice: int


@app.function(waits_for=[Paid])
def by_order(event: str, step: Step) -> int | None:
    found = step.wait_for_event("paid", Paid, order_id=event, timeout=timedelta(hours=1))
    return None if found is None else found.invoice


@app.function(waits_for=[Paid])
def by_invoice(event: int, step: Step) -> str | None:
    found = step.wait_for_event("paid", Paid, invoice=event, timeout=timedelta(hours=1))
    return "nothing" if found is None else found.order_id


def test_by_the_other_key() -> None:
    with Sandbox(app) as box:
        order, invoice = box.invoke(by_order, "o-1"), box.invoke(by_invoice, 7)
        box.send(Paid(order_id=None, invoice=7))
        assert order.status == "waiting"
        assert invoice.status == "completed"
        assert invoice.result is None
        box.advance(timedelta(hours=1))
        assert order.result is None


@app.function(waits_for=[Paid])
def by_nothing(event: None, step: Step) -> None:
    nothing: Any = None
    step.wait_for_event("paid", Paid, order_id=nothing, timeout=timedelta(hours=1))


def test_a_wait_for_none_is_an_error() -> None:
    with Sandbox(app) as box:
        run = box.invoke(by_nothing, None)
        assert run.status == "failed"
        assert "order_id" in str(run.error)
