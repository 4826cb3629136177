"""A StepError or a NonRetriableError that nobody catches fails the run at once: its step had its retries.

Covers: errors.uncaught
"""

from datetime import timedelta

import pytest

from milepost import App, NonRetriableError, Step
from milepost.testing import Sandbox

app = App("errors-uncaught")
calls: list[str] = []


def charge() -> None:
    calls.append("charge")
    raise ValueError("no money")


@app.function(retries=1)
def step_error(event: None, step: Step) -> None:
    step.run("charge", charge)


@app.function(retries=1)
def non_retriable(event: None, step: Step) -> None:
    calls.append("body")
    raise NonRetriableError("will not")


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it counts the replays")
def test_the_body_is_not_retried() -> None:
    with Sandbox(app) as box:
        first, second = box.invoke(step_error, None), box.invoke(non_retriable, None)
        box.advance(timedelta(days=1))
        assert (first.status, second.status) == ("failed", "failed")
        assert calls.count("charge") == 2
        assert calls.count("body") == 1
        assert str(first.error) == "ValueError: no money (step 'charge')"
        assert str(second.error) == "NonRetriableError: will not"
