"""LocalCloud is the same cloud on a SQLite file with the real clock: what one worker leaves waiting the next one ends.

Covers: local.real-clock, promise.never-early
"""

from datetime import timedelta
from pathlib import Path

from milepost import App, Event, Step
from milepost.local import LocalCloud

app = App("local-clock")
NAP = timedelta(milliseconds=200)
calls: list[str] = []


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


@app.event("shop/order.paid", keys=("order_id",))
class OrderPaid(Event):
    order_id: str


def charge(order_id: str) -> str:
    calls.append(order_id)
    return f"charged {order_id}"


@app.function(on=OrderPlaced, waits_for=[OrderPaid])
def fulfil(event: OrderPlaced, step: Step) -> str:
    charged = step.run("charge", charge, event.order_id)
    step.sleep("nap", NAP)
    paid = step.wait_for_event("payment", OrderPaid, order_id=event.order_id, timeout=timedelta(days=1))
    return "nobody" if paid is None else charged


def test_across_two_workers(tmp_path: Path) -> None:
    with LocalCloud(app, tmp_path / "state.db") as cloud:
        cloud.send(OrderPlaced(order_id="o-1"))
    with LocalCloud(app, tmp_path / "state.db") as cloud:
        cloud.send(OrderPaid(order_id="o-1"))
        [run] = cloud.runs(fulfil)
        cloud.wait(run, timeout=timedelta(seconds=20))
        assert run.result == "charged o-1"
        assert calls == ["o-1"]
        before = next(step for step in run.steps if step.name == "charge")
        after = next(step for step in run.steps if step.name == "payment")
        assert before.ended_at is not None
        assert after.started_at - before.ended_at >= NAP
