"""A sleep costs at most five units and one query, the first and every further one.

Covers: cost.sleep
"""

from datetime import timedelta
from itertools import pairwise

import pytest

from milepost import (
    App,
    Step,
)
from milepost.testing import Sandbox

app = App("cost-sleep")


@app.function()
def naps(event: int, step: Step) -> None:
    for number in range(event):
        step.sleep(f"nap {number}", timedelta(hours=20))


def cost(sleeps: int) -> tuple[int, int]:
    with Sandbox(app) as box:
        run = box.invoke(naps, sleeps)
        box.advance(timedelta(hours=20) * sleeps)
        assert run.status == "completed"
        return box.meter.units, box.meter.reads


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it counts units")
def test_each_of_five() -> None:
    costs = [cost(sleeps) for sleeps in range(6)]
    for (units, reads), (more_units, more_reads) in pairwise(costs):
        assert more_units - units <= 5
        assert more_reads - reads == 1
