"""A run whose function is gone is paused, saying so, and goes on when a deploy brings the function back.

Covers: bound.undeployed
"""

from datetime import timedelta

from milepost import (
    App,
    Step,
)
from milepost.engine.messages import TimerDue
from tests.engine.stage import SECOND, Stage

app, later = App("undeployed"), App("undeployed")
did: list[str] = []


@app.function()
def fulfil(event: None, step: Step) -> str:
    step.run("first", did.append, "first")
    step.sleep("nap", timedelta(hours=1))
    return step.run("second", lambda: "done")


@later.function()
def other(event: None, step: Step) -> None: ...


def test_away_and_back() -> None:
    with Stage(app) as stage:
        run = stage.client.invoke(fulfil, None)
        stage.run_until_idle()
        stage.pass_time(3_600 * SECOND)
        without = stage.new_worker(app=later, version="2")
        stage.deliver(stage.one(TimerDue), without)
        assert run.status == "paused"
        assert "'fulfil' is not deployed" in str(run.view.reason)
        assert stage.sweep(without).resumed == 0
        assert stage.sweep().resumed == 1
        stage.run_until_idle()
        assert run.result == "done"
        assert did == ["first"]
