"""Any other exception of the body retries the body by the function's own counter; recorded steps are not repeated.

Covers: errors.body-retries, function.retries
"""

from datetime import timedelta

import pytest

from milepost import App, Retry, Step
from milepost.testing import Sandbox

app = App("errors-body")
calls: list[str] = []


def work() -> str:
    calls.append("step")
    return "worked"


@app.function(retry=Retry(retries=2, delays=[timedelta(minutes=1)], jitter=0))
def unlucky(event: None, step: Step) -> str:
    step.run("work", work)
    calls.append("body")
    raise RuntimeError(f"attempt {step.attempt}")


@app.function(retries=0)
def no_second_chance(event: None, step: Step) -> None:
    calls.append("once")
    raise RuntimeError("no")


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it counts the replays")
def test_three_attempts_then_failed() -> None:
    with Sandbox(app) as box:
        run = box.invoke(unlucky, None)
        assert (run.status, calls) == ("waiting", ["step", "body"])
        box.advance(timedelta(minutes=1))
        assert (run.status, calls) == ("waiting", ["step", "body", "body"])
        box.advance(timedelta(minutes=1))
        assert (run.status, calls) == ("failed", ["step", "body", "body", "body"])
        assert str(run.error) == "RuntimeError: attempt 3"
        assert box.invoke(no_second_chance, None).status == "failed"
        box.advance(timedelta(days=1))
        assert calls.count("once") == 1
