"""wait_for_any ends with the first event of several and says which it was; the other waits are withdrawn.

Covers: wait-any
"""

from datetime import timedelta

from milepost import App, Event, Step, WaitFor
from milepost.testing import Sandbox

app = App("wait-any")


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str


@app.event("shop/order.dropped", keys=("order_id",))
class OrderDropped(Event):
    order_id: str
    why: str


@app.function(waits_for=[OrderPaid, OrderDropped])
def order(event: str, step: Step) -> str:
    matched = step.wait_for_any("end", WaitFor(OrderPaid, order_id=event), WaitFor(OrderDropped, order_id=event), timeout=timedelta(days=1))
    step.sleep("an hour", timedelta(hours=1))
    match matched:
        case None:
            return "nothing"
        case _:
            found = matched.event
            return f"{matched.index}: {found.why if isinstance(found, OrderDropped) else 'paid'}"


def test_which_came_first() -> None:
    with Sandbox(app) as box:
        dropped, paid, nothing = (box.invoke(order, id) for id in ("o-1", "o-2", "o-3"))
        box.send(OrderDropped(order_id="o-1", why="too dear"))
        box.send(OrderPaid(order_id="o-1"))
        box.send(OrderPaid(order_id="o-2"))
        box.send(OrderDropped(order_id="o-2", why="too late"))
        box.advance(timedelta(days=2))
        assert [run.result for run in (dropped, paid, nothing)] == ["1: too dear", "0: paid", "nothing"]
