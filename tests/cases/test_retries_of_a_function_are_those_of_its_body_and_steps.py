"""retries= counts for the body and for each step, apart.

Covers: function.retries
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Retry,
    Step,
)
from milepost.testing import Sandbox

app = App("retries")
tries: list[str] = []


def flaky() -> str:
    tries.append("step")
    if tries.count("step") < 3:
        raise ConnectionError("no answer")
    return "answer"


@app.function(retries=2)
def ask(event: None, step: Step) -> str:
    answer = step.run("ask", flaky)
    tries.append("body")
    if step.attempt < 3:
        raise ConnectionError("the body, too")
    return f"{answer} at attempt {step.attempt}"


@app.function(retry=Retry(retries=1, delays=[timedelta(hours=1)], jitter=0))
def give_up(event: None, step: Step) -> None:
    raise ConnectionError(f"attempt {step.attempt}")


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_two_retries_each() -> None:
    with Sandbox(app) as box:
        run = box.invoke(ask, None)
        box.advance(timedelta(hours=1))
        assert run.result == "answer at attempt 3"
        assert tries.count("step") == 3
        assert tries.count("body") == 3


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_a_retry_of_its_own_delays() -> None:
    with Sandbox(app) as box:
        begun = box.now
        run = box.invoke(give_up, None)
        box.advance(timedelta(minutes=59))
        assert run.status == "waiting"
        box.advance(timedelta(minutes=1))
        assert run.status == "failed"
        assert run.ended_at == begun + timedelta(hours=1)
        assert "attempt 2" in str(run.error)
