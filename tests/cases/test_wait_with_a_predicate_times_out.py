"""A wait whose predicate accepts nothing ends with None, when its time is up.

Covers: wait.where, wait.timeout
"""

from datetime import timedelta

import pytest

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-where-timeout")


@app.event("shop/bid", keys=("lot",))
class Bid(Event):
    lot: int
    amount: int


@app.function(waits_for=[Bid])
def auction(event: int, step: Step) -> str:
    bid = step.wait_for_event("high bid", Bid, lot=event, where=lambda bid: bid.amount >= 100, timeout=timedelta(days=1))
    return "nothing" if bid is None else "sold"


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_none_after_a_day() -> None:
    with Sandbox(app) as box:
        run = box.invoke(auction, 4)
        box.send(Bid(lot=4, amount=10))
        box.advance(timedelta(days=1) - timedelta(milliseconds=1))
        assert run.status == "waiting"
        box.advance(timedelta(milliseconds=1))
        assert run.result == "nothing"
        box.send(Bid(lot=4, amount=500))
        assert run.result == "nothing"
