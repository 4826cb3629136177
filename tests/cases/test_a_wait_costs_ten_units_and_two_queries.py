"""A wait costs at most ten units and two queries, beside the query that every awaited event makes.

Covers: cost.wait
"""

from datetime import timedelta
from itertools import pairwise

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("cost-wait")


@app.event("shop/order.approved", keys=("order_id",))
class OrderApproved(Event):
    order_id: str


@app.function(waits_for=[OrderApproved])
def waits(event: int, step: Step) -> None:
    for number in range(event):
        assert step.wait_for_event(f"wait {number}", OrderApproved, order_id="o-1", timeout=timedelta(days=1)) is not None


def cost(number: int) -> tuple[int, int]:
    """Of a run with this many waits, and of five events."""
    with Sandbox(app) as box:
        run = box.invoke(waits, number)
        for _ in range(5):
            box.send(OrderApproved(order_id="o-1"))
        assert run.status == "completed"
        return box.meter.units, box.meter.reads


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it counts units")
def test_each_of_five() -> None:
    costs = [cost(number) for number in range(6)]
    for (units, reads), (more_units, more_reads) in pairwise(costs):
        assert more_units - units <= 10
        assert more_reads - reads == 2
