"""Ticks that nobody was there for are not run one by one: the last of them runs, once.

Covers: function.cron-downtime
"""

from datetime import UTC, datetime, timedelta

from milepost import (
    App,
    Cron,
    CronTick,
    Step,
)
from milepost.engine.schedules import Schedules
from tests.engine.stage import Stage

app = App("downtime")


@app.function(on=Cron("0 6 * * *"))
def daily(event: CronTick, step: Step) -> tuple[datetime, datetime | None]:
    return event.scheduled_at, event.previous_at


def test_a_week_away() -> None:
    with Stage(app) as stage:
        start = datetime.fromtimestamp(stage.clock.now_ms() / 1000, UTC)
        first = (start + timedelta(days=1)).replace(hour=6, minute=0, second=0, microsecond=0)
        before = Schedules(stage.worker)
        stage.clock.at_ms = round(first.timestamp() * 1000)
        before.fire()
        stage.run_until_idle()
        stage.pass_time(round(timedelta(days=7, hours=3).total_seconds() * 1000))
        for _ in range(2):  # the worker starts, and starts again
            Schedules(stage.worker).fire()
            stage.run_until_idle()
        results = sorted(run.result for run in stage.client.runs(stage.newest))
        assert results == [(first, None), (first + timedelta(days=7), first)]
