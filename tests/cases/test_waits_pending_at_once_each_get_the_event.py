"""Waits of one run that are pending at the same time each get the event, with a predicate and without.

Covers: wait.pending-each
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("wait-pending-each")
DAY = timedelta(days=1)


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str


def plain(step: Step, order: str) -> str:
    event = step.wait_for_event("payment", OrderPaid, order_id=order, timeout=DAY)
    return "nothing" if event is None else "got it"


def judged(step: Step, order: str) -> str:
    event = step.wait_for_event("payment", OrderPaid, order_id=order, where=lambda paid: True, timeout=DAY)
    return "nothing" if event is None else "got it"


@app.function(waits_for=[OrderPaid])
def pay(event: str, step: Step) -> tuple[str, str, str]:
    return step.parallel("three departments", lambda s: plain(s, event), lambda s: judged(s, event), lambda s: plain(s, event))


def test_one_event_for_all_three() -> None:
    with Sandbox(app) as box:
        run = box.invoke(pay, "o-1")
        box.send(OrderPaid(order_id="o-1"))
        box.advance(2 * DAY)
        assert run.result == ("got it", "got it", "got it")
