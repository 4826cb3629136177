"""No run is silently stuck: one that died leased, its message lost with it, is found by the sweeper.

Covers: promise.never-stuck
"""

from datetime import timedelta

from milepost import (
    App,
    Step,
)
from milepost.engine.messages import TimerDue
from tests.engine.stage import LEASE, SECOND, Stage

app = App("never-stuck")


@app.function()
def sleepy(event: None, step: Step) -> str:
    step.sleep("nap", timedelta(hours=1))
    return step.run("work", lambda: "done")


def test_worker_and_message_lost() -> None:
    with Stage(app) as stage:
        run = stage.client.invoke(sleepy, None)
        stage.run_until_idle()
        stage.pass_time(3_600 * SECOND)
        assert stage.crash(stage.one(TimerDue), after=2)
        stage.hand.clear()
        assert run.status == "running"
        stage.pass_time(LEASE + 30 * SECOND)
        assert stage.sweep().overdue == 1
        stage.run_until_idle()
        assert run.result == "done"
        assert stage.sweep().overdue == 0
