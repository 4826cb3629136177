"""`where` is judged on top of the keys: the first event that it accepts ends the wait.

Covers: wait.where
"""

from datetime import timedelta

import pytest

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-where")


@app.event("shop/bid", keys=("lot",))
class Bid(Event):
    lot: int
    amount: int


@app.function(waits_for=[Bid])
def auction(event: int, step: Step) -> int | None:
    bid = step.wait_for_event("high bid", Bid, lot=event, where=lambda bid: bid.amount >= 100, timeout=timedelta(days=1))
    return None if bid is None else bid.amount


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="of two events sent at once the second may come first")
def test_low_bids_do_not_count() -> None:
    with Sandbox(app) as box:
        run = box.invoke(auction, 4)
        for amount in (10, 99):
            box.send(Bid(lot=4, amount=amount))
            assert run.status == "waiting"
        box.send(Bid(lot=5, amount=500))
        assert run.status == "waiting"
        box.send(Bid(lot=4, amount=120), Bid(lot=4, amount=900))
        assert run.result == 120
