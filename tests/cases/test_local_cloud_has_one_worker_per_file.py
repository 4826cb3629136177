"""A second worker on a state file is refused, with an error that names the first one's pid; the first is not harmed.

Covers: local.one-worker, promise.bad-input
"""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from milepost import App, StateFileError, Step
from milepost.local import LocalCloud

app = App("local-one")


@app.function()
def double(event: int, step: Step) -> int:
    return 2 * event


def test_the_pid_is_named(tmp_path: Path) -> None:
    with LocalCloud(app, tmp_path / "state.db") as cloud:
        with pytest.raises(StateFileError, match=str(os.getpid())), LocalCloud(app, tmp_path / "state.db"):
            pass
        run = cloud.invoke(double, 21)
        cloud.wait(run, timeout=timedelta(seconds=20))
        assert run.result == 42
