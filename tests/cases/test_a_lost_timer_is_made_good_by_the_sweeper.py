"""A run whose timer was lost goes on within two minutes of its time.

Covers: promise.lost-timer, promise.never-stuck
"""

from datetime import timedelta

from milepost import (
    App,
    Step,
)
from milepost.engine.messages import TimerDue
from tests.engine.stage import SECOND, Stage

app = App("lost-timer")


@app.function()
def sleepy(event: None, step: Step) -> str:
    step.sleep("nap", timedelta(hours=1))
    return "awake"


def test_within_two_minutes() -> None:
    with Stage(app) as stage:
        run = stage.client.invoke(sleepy, None)
        stage.run_until_idle()
        stage.pass_time(3_600 * SECOND)
        stage.one(TimerDue)
        stage.hand.clear()  # lost
        stage.pass_time(29 * SECOND)
        assert stage.sweep().overdue == 0
        stage.pass_time(60 * SECOND)  # the sweeper comes every minute
        assert stage.sweep().overdue == 1
        stage.run_until_idle()
        assert run.result == "awake"
