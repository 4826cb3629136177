"""Jitter spreads the start of a cron; the tick itself says when it was due.

Covers: function.cron
"""

from datetime import datetime, timedelta

import pytest

from milepost import (
    App,
    Cron,
    CronTick,
    Step,
)
from milepost.testing import Sandbox

app = App("jitter")


@app.function(on=Cron("0 * * * *", jitter=timedelta(minutes=10)))
def hourly(event: CronTick, step: Step) -> datetime:
    return event.scheduled_at


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_never_before_the_tick_and_within_the_jitter() -> None:
    with Sandbox(app) as box:
        box.advance(timedelta(hours=6, minutes=15))
        runs = box.runs(hourly)
        assert len(runs) == 6
        delays = [run.created_at - run.result for run in runs]
        assert all(timedelta(0) <= delay < timedelta(minutes=10) for delay in delays)
        assert len(set(delays)) > 1
