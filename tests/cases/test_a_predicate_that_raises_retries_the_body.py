"""A `where` that raises is a failure of the body, which is retried; the event is not lost.

Covers: wait.where, errors.body-retries
"""

from datetime import timedelta

import pytest

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-where-raises")
broken = [True]


@app.event("shop/bid", keys=("lot",))
class Bid(Event):
    lot: int
    amount: int


def is_high(bid: Bid) -> bool:
    if broken:
        raise ZeroDivisionError
    return bid.amount > 0


@app.function(waits_for=[Bid])
def auction(event: int, step: Step) -> int:
    bid = step.wait_for_event("bid", Bid, lot=event, where=is_high, timeout=timedelta(days=1))
    return 0 if bid is None else bid.amount


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_mended_in_time() -> None:
    with Sandbox(app) as box:
        run = box.invoke(auction, 4)
        box.send(Bid(lot=4, amount=10))
        assert run.status == "waiting"
        broken.clear()
        box.advance(timedelta(minutes=1))
        assert run.result == 10
