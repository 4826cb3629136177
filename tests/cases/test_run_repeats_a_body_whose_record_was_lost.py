"""A crash after the step's work and before its record runs the step again: at least once.

Covers: run.at-least-once
"""

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("run-at-least-once")
calls: list[int] = []


def work() -> int:
    calls.append(len(calls) + 1)
    return len(calls)


@app.function()
def job(event: None, step: Step) -> int:
    return step.run("work", work)


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_a_lost_record_means_a_second_call() -> None:
    with Sandbox(app) as box:
        box.crash_after(1)  # the run is born, and its worker dies before "work" is recorded
        run = box.invoke(job, None)
        assert run.status == "completed"
        first = len(calls)
        assert run.result == first

        calls.clear()
        box.crash_after(2)  # the record is written, and its worker dies before the end is
        again = box.invoke(job, None, id="again")
        assert again.result == 1
        assert calls == [1]
