"""options(retry=) gives one step its own number of retries and its own delays.

Covers: options.retry
"""

from datetime import timedelta

import pytest

from milepost import App, Retry, Step
from milepost.testing import Sandbox

app = App("options-retry")
tries: list[str] = []


def flaky() -> str:
    tries.append("flaky")
    if len(tries) < 7:
        raise ConnectionError("not yet")
    return "there"


@app.function(retries=0)
def job(event: None, step: Step) -> str:
    return step.options(retry=Retry(retries=6, delays=[timedelta(minutes=1)], jitter=0)).run("flaky", flaky)


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_seven_attempts_a_minute_apart() -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        box.advance(timedelta(minutes=5, seconds=59))
        assert (run.status, len(tries)) == ("waiting", 6)
        box.advance(timedelta(seconds=1))
        assert run.result == "there"
        assert run.steps[0].attempts == 7
