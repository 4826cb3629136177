"""step.attempt is 1 at first and counts the retries of the body; replays and retries of steps do not count.

Covers: attempt
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("attempt")
attempts: list[int] = []
calls: list[int] = []


def flaky() -> None:
    calls.append(1)
    if len(calls) < 3:
        raise ConnectionError("not yet")


@app.function(retries=2)
def job(event: None, step: Step) -> int:
    step.run("flaky", flaky)
    step.sleep("an hour", timedelta(hours=1))
    attempts.append(step.attempt)
    if step.attempt < 3:
        raise RuntimeError("the body itself fails")
    return step.attempt


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_three_attempts() -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        box.advance(timedelta(hours=2))
        assert run.result == 3
        assert attempts == [1, 2, 3]
        assert len(calls) == 3
