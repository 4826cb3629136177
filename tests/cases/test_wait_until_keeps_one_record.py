"""However often a poll asks, it keeps one record that counts.

Covers: wait-until.one-record
"""

from datetime import timedelta

import pytest

from milepost import App, Backoff, Step
from milepost.testing import Sandbox

app = App("wait-until-record")
asked: list[int] = []


def check() -> bool:
    asked.append(1)
    return len(asked) == 50


@app.function()
def build(event: None, step: Step) -> bool:
    return step.wait_until("build", check, every=Backoff(timedelta(minutes=1), factor=1), timeout=timedelta(hours=1))


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_fifty_polls_one_record() -> None:
    with Sandbox(app) as box:
        run = box.invoke(build, None)
        box.advance(timedelta(minutes=10))
        assert [(step.name, step.status, step.attempts) for step in run.steps] == [("build", "pending", 11)]
        box.advance(timedelta(minutes=39))
        assert run.result is True
        assert [(step.name, step.status, step.attempts) for step in run.steps] == [("build", "completed", 50)]
