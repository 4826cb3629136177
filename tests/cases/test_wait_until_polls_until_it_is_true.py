"""wait_until calls check with growing pauses until it returns something other than None and False, and returns that.

Covers: wait-until
"""

from datetime import timedelta

import pytest

from milepost import App, Backoff, Step
from milepost.testing import Sandbox

app = App("wait-until")
answers: list[str | None] = [None, None, None, "ready"]


def check() -> str | None:
    return answers.pop(0)


@app.function()
def build(event: None, step: Step) -> str:
    state = step.wait_until("build", check, every=Backoff(timedelta(minutes=1), factor=2), timeout=timedelta(hours=1))
    step.sleep("an hour", timedelta(hours=1))
    return state


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_after_one_two_and_four_minutes() -> None:
    with Sandbox(app) as box:
        run = box.invoke(build, None)
        left = [len(answers)]
        for minutes in (1, 2, 4):
            box.advance(timedelta(minutes=minutes) - timedelta(milliseconds=1))
            left.append(len(answers))
            box.advance(timedelta(milliseconds=1))
        assert left == [3, 3, 2, 1]
        box.advance(timedelta(hours=1))
        assert run.result == "ready"
        assert answers == []
