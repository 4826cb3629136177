"""A failing on_failure is retried as its function is; when it fails for good, nothing follows.

Covers: function.on-failure
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Failure,
    NonRetriableError,
    Retry,
    Step,
)
from milepost.testing import Sandbox

app = App("handler-fails")
tries: list[int] = []


def clean_up(event: None, step: Step, failure: Failure) -> None:
    tries.append(step.attempt)
    raise ValueError("cannot clean up")


@app.function(retry=Retry(retries=2, jitter=0), on_failure=clean_up)
def job(event: None, step: Step) -> None:
    raise NonRetriableError("no")


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_three_attempts_then_the_end() -> None:
    with Sandbox(app) as box:
        box.invoke(job, None)
        box.advance(timedelta(days=1))
        [handler] = box.runs("job.on_failure")
        assert handler.status == "failed"
        assert tries == [1, 2, 3]
        assert len(box.runs()) == 2
