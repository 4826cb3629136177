"""Each run that waits for an event gets it, whether it waited before or looks back: no run takes it from another.

Covers: wait.pending-each, wait.lookback, promise.delivered-once
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-many-runs")
DAY = timedelta(days=1)


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str


@app.function(name="first", waits_for=[OrderPaid])
def first(event: str, step: Step) -> bool:
    return step.wait_for_event("payment", OrderPaid, order_id=event, timeout=DAY) is not None


@app.function(name="second", waits_for=[OrderPaid])
def second(event: str, step: Step) -> bool:
    step.sleep("a while", timedelta(hours=1))
    return step.wait_for_event("payment", OrderPaid, order_id=event, timeout=DAY) is not None


def test_one_run_does_not_take_it_from_another() -> None:
    with Sandbox(app) as box:
        runs = [box.invoke(first, "o-1"), box.invoke(second, "o-1"), box.invoke(first, "o-1")]
        box.send(OrderPaid(order_id="o-1"))
        box.advance(2 * DAY)
        assert [run.result for run in runs] == [True, True, True]
