"""A run with a year of sleeps is tested at once.

Covers: kit.year
"""

from datetime import timedelta
from time import perf_counter

import pytest

from milepost import (
    App,
    Step,
)
from milepost.testing import Sandbox

app = App("year")


@app.function()
def patient(event: None, step: Step) -> int:
    for day in range(52):
        step.sleep(f"week {day}", timedelta(weeks=1))
    return 52


@pytest.mark.modes(without=("simulated-rough", "moto"), reason="it measures time")
def test_fifty_two_weeks() -> None:
    with Sandbox(app) as box:
        begun, at = perf_counter(), box.now
        run = box.invoke(patient, None)
        box.advance(timedelta(weeks=52))
        assert run.result == 52
        assert run.ended_at == at + timedelta(weeks=52)
        assert perf_counter() - begun < 10  # a second at most on an idle machine
