"""A poll that is never true asks a last time at its time-out, and raises WaitTimeout.

Covers: wait-until.timeout
"""

from datetime import timedelta

import pytest

from milepost import App, Backoff, Step, WaitTimeout
from milepost.testing import Sandbox

app = App("wait-until-timeout")


@app.function()
def build(event: bool | None, step: Step) -> str:
    try:
        step.wait_until("build", lambda: event, every=Backoff(timedelta(minutes=4), factor=1), timeout=timedelta(minutes=10))
    except WaitTimeout as error:
        return str(error)
    return "built"


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_none_and_false_are_not_yet() -> None:
    with Sandbox(app) as box:
        runs = [box.invoke(build, None), box.invoke(build, False)]
        box.advance(timedelta(minutes=10) - timedelta(milliseconds=1))
        assert [run.status for run in runs] == ["waiting", "waiting"]
        box.advance(timedelta(milliseconds=1))
        assert {run.result for run in runs} == {"'build' was not true within 600 s (4 checks)"}
