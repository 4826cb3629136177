"""A failed run is handed to on_failure: its own run, with the event and what went wrong.

Covers: function.on-failure
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Event,
    Failure,
    Step,
)
from milepost.testing import Sandbox

app = App("on-failure")
refunds: list[str] = []


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


class CardDeclined(Exception):
    pass


def charge(order_id: str) -> None:
    raise CardDeclined(f"no money for {order_id}")


def refund(event: OrderPlaced, step: Step, failure: Failure) -> str:
    step.run("refund", refunds.append, event.order_id)
    step.sleep("cool off", timedelta(hours=1))
    assert failure.error is not None
    return f"{failure.function} {failure.status} at {failure.step}: {failure.error.message}; {failure.event['order_id']}"


@app.function(on=OrderPlaced, retries=0, on_failure=refund)
def fulfil(event: OrderPlaced, step: Step) -> None:
    step.run("charge", charge, event.order_id)


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_the_handler_knows_what_failed() -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(order_id="o-1"))
        assert run.status == "failed"
        [handler] = box.runs("fulfil.on_failure")
        assert handler.status == "waiting"
        box.advance(timedelta(hours=1))
        assert handler.result == "fulfil failed at charge: no money for o-1; o-1"
        assert refunds == ["o-1"]
        assert handler.id != run.id
