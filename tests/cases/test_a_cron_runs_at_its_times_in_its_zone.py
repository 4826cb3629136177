"""A cron means the clock on the wall of its time zone, before and after the clocks change.

Covers: function.cron
"""

from datetime import UTC, datetime, timedelta

import pytest

from milepost import (
    App,
    Cron,
    CronTick,
    Step,
)
from milepost.testing import Sandbox

app = App("cron")


@app.function(on=Cron("0 9 * * MON-FRI", tz="Europe/Paris"))
def digest(event: CronTick, step: Step) -> tuple[str, str]:
    return event.scheduled_at.isoformat(), "first" if event.previous_at is None else event.previous_at.isoformat()


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_over_a_weekend_on_which_the_clocks_change() -> None:
    with Sandbox(app, start=datetime(2026, 3, 27, 7, 30, tzinfo=UTC)) as box:  # a Friday; summer time begins on Sunday
        box.advance(timedelta(days=3))
        monday, friday = box.runs(digest)
        assert friday.result == ("2026-03-27T09:00:00+01:00", "first")
        assert monday.result == ("2026-03-30T09:00:00+02:00", "2026-03-27T09:00:00+01:00")
        assert friday.created_at == datetime(2026, 3, 27, 8, tzinfo=UTC)
        assert monday.created_at == datetime(2026, 3, 30, 7, tzinfo=UTC)
