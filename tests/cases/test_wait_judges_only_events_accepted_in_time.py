"""An event that is accepted after a wait's time-out does not meet it, even when nobody could look before.

Covers: wait.where, wait.timeout
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-in-time")
HOUR = timedelta(hours=1)
deployed: list[str] = []


@app.event("shop/bid", keys=("lot",))
class Bid(Event):
    lot: int
    amount: int


def open_lot() -> str:
    return "open"


@app.function(waits_for=[Bid])
def auction(event: int, step: Step) -> int | None:
    if deployed:
        step.sleep("open", HOUR)
    else:
        step.run("open", open_lot)
    bid = step.wait_for_event("bid", Bid, lot=event, where=lambda bid: bid.amount > 100, timeout=24 * HOUR)
    return None if bid is None else bid.amount


def test_the_run_was_paused_over_its_time_out() -> None:
    with Sandbox(app) as box:
        runs = [box.invoke(auction, lot) for lot in (1, 2)]
        deployed.append("wrong code")
        box.send(Bid(lot=1, amount=1), Bid(lot=2, amount=1))
        assert [run.status for run in runs] == ["paused", "paused"]
        box.advance(23 * HOUR)
        box.send(Bid(lot=1, amount=200))
        box.advance(2 * HOUR)
        box.send(Bid(lot=2, amount=200))
        deployed.clear()
        for run in runs:
            box.resume(run)
        assert [run.result for run in runs] == [200, None]
