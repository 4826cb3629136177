"""A child that does not end within timeout= raises WaitTimeout in its parent, and is cancelled.

Covers: invoke.timeout
"""

from datetime import timedelta

import pytest

from milepost import App, Step, WaitTimeout
from milepost.testing import Sandbox

app = App("invoke-timeout")


@app.function()
def slow(event: None, step: Step) -> str:
    step.sleep("long", timedelta(days=10))
    return "late"


@app.function()
def parent(event: None, step: Step) -> str:
    try:
        return step.invoke("child", slow, None, timeout=timedelta(days=1))
    except WaitTimeout as error:
        return str(error)


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_a_day_is_enough() -> None:
    with Sandbox(app) as box:
        run = box.invoke(parent, None)
        [child] = box.runs(slow)
        box.advance(timedelta(days=1) - timedelta(milliseconds=1))
        assert (run.status, child.status) == ("waiting", "waiting")
        box.advance(timedelta(milliseconds=1))
        assert run.result == f"run {child.id} of slow did not end within 86400 s"
        assert child.status == "cancelled"
