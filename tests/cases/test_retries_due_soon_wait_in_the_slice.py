"""A retry that is due within 2 s is waited for in the slice: the run never suspends.

Covers: errors.soon
"""

from datetime import timedelta
from pathlib import Path

import pytest

from milepost import App, Retry, RunStatus, Step
from milepost.engine.worker import Moved
from milepost.local import LocalCloud

pytestmark = pytest.mark.modes("normal", reason="it asserts that the run needs but one slice")
app = App("errors-soon")
calls: list[int] = []


def flaky() -> int:
    calls.append(1)
    if len(calls) < 4:
        raise ConnectionError("not yet")
    return len(calls)


@app.function(retry=Retry(retries=3, delays=[timedelta(milliseconds=5)]))
def job(event: None, step: Step) -> int:
    return step.run("flaky", flaky)


def test_it_never_waits_outside(tmp_path: Path) -> None:
    moves: list[RunStatus] = []

    def note(moved: Moved) -> None:
        moves.append(moved.status)

    with LocalCloud(app, tmp_path / "state.db", observe=note) as cloud:
        run = cloud.invoke(job, None)
        cloud.wait(run, timeout=timedelta(seconds=20))
        assert run.result == 4
    assert RunStatus.WAITING not in moves
    assert RunStatus.COMPLETED in moves
