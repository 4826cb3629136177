"""A run of n steps that never suspends writes n + 2 items and at most n + 4 units, and reads nothing.

Covers: cost.steps, kit.meter
"""

import pytest

from milepost import (
    App,
    Event,
    Step,
)
from milepost.testing import Sandbox

app = App("cost-steps")


@app.event("shop/order.placed")
class OrderPlaced(Event):
    steps: int


def part(number: int) -> int:
    return number


@app.function(on=OrderPlaced)
def work(event: OrderPlaced, step: Step) -> int:
    return sum([step.run(f"part {number}", part, number) for number in range(event.steps)])


@pytest.mark.modes("normal", reason="it counts writes")
@pytest.mark.parametrize("steps", [0, 1, 7, 100])
def test_whatever_their_number(steps: int) -> None:
    with Sandbox(app) as box:
        [run] = box.send(OrderPlaced(steps=steps))
        assert run.status == "completed"
        assert box.meter.writes == steps + 2
        assert box.meter.units <= steps + 4
        assert box.meter.reads == 0
        assert box.meter.requests == steps + 2
        assert box.meter.usage.invocations == 1


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it counts writes")
def test_a_duplicate_delivery_costs_one_write_at_most() -> None:
    with Sandbox(app) as box:
        box.send(OrderPlaced(steps=3), id="once")
        before = box.meter.writes, box.meter.units, box.meter.reads
        box.send(OrderPlaced(steps=3), id="once")
        assert (box.meter.writes, box.meter.units, box.meter.reads) <= (before[0] + 1, before[1] + 1, before[2])
