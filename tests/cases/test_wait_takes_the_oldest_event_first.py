"""Of several events that came before the wait the oldest counts, then the next one for the next wait.

Covers: wait.since-trigger, wait.consumed
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-oldest")


@app.event("shop/bid", keys=("lot",))
class Bid(Event):
    lot: int
    amount: int


@app.function(waits_for=[Bid])
def auction(event: int, step: Step) -> list[int | None]:
    step.sleep("collect", timedelta(hours=1))
    bids = [step.wait_for_event("bid", Bid, lot=event, timeout=timedelta(minutes=1)) for _ in range(4)]
    return [None if bid is None else bid.amount for bid in bids]


def test_each_wait_takes_the_next() -> None:
    with Sandbox(app) as box:
        run = box.invoke(auction, 4)
        for amount in (30, 10, 20):
            box.advance(timedelta(minutes=10))
            box.send(Bid(lot=4, amount=amount))
        box.advance(timedelta(hours=1))
        assert run.result == [30, 10, 20, None]
