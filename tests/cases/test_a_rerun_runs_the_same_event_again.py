"""A rerun is a run of its own, with the same event and nothing recorded.

Covers: door.rerun
"""

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("rerun")
printed: list[str] = []


@app.event("shop/order.placed")
class OrderPlaced(Event):
    order_id: str


def print_label(order_id: str) -> str:
    printed.append(order_id)
    return f"label {len(printed)} of {order_id}"


@app.function(on=OrderPlaced)
def label(event: OrderPlaced, step: Step) -> str:
    return step.run("print", print_label, event.order_id)


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_twice() -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(order_id="o-1"))
        second, third = box.rerun(run), app.rerun(run.id)
        box.run_until_idle()
        assert [one.result for one in (run, second, third)] == ["label 1 of o-1", "label 2 of o-1", "label 3 of o-1"]
        assert len({run.id, second.id, third.id}) == 3
        assert second.view.rerun_of == run.id
