"""A function whose result does not fit its annotation fails at once, naming the function: no retry can mend it.

Covers: values.unstorable
"""

from typing import Any

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("values-result")
calls: list[int] = []


@app.function()
def job(event: Any, step: Step) -> int:
    calls.append(1)
    value: int = event
    return value


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_one_attempt() -> None:
    with Sandbox(app) as box:
        assert box.invoke(job, 3).result == 3
        run = box.invoke(job, "three")
        assert run.status == "failed"
        assert "the result of job" in str(run.error)
        assert "three" in str(run.error)
        assert len(calls) == 2
