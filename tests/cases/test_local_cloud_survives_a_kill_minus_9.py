"""A worker that is killed with kill -9 in the middle of a step loses nothing: the next one goes on from what is recorded.

Covers: local.survives, promise.result-once
"""

import importlib.util
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from milepost.local import LocalCloud

SDK = Path(__file__).parents[2] / "sdk"

CODE = """
import os
import signal
import sys
from datetime import timedelta
from pathlib import Path

from milepost import App, Step
from milepost.local import LocalCloud

app = App("killed")
HERE = Path(__file__).parent


def note(text: str) -> str:
    with (HERE / "log").open("a") as log:
        log.write(f"{text} ")
    return text


def die_once() -> str:
    if not (HERE / "died").exists():
        (HERE / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return note("survived")


@app.function()
def job(event: None, step: Step) -> list[str]:
    return [step.run("note", note, "begun"), step.run("die", die_once)]


if __name__ == "__main__":
    with LocalCloud(app, HERE / "state.db") as cloud:
        cloud.wait(cloud.invoke(job, None), timeout=timedelta(seconds=20))
"""


def load(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location("killed", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_killed_in_a_step(tmp_path: Path) -> None:
    file = tmp_path / "killed.py"
    file.write_text(CODE, encoding="utf-8")
    died = subprocess.run([sys.executable, str(file)], env={"PYTHONPATH": str(SDK)}, check=False, timeout=30)
    assert died.returncode == -signal.SIGKILL
    module = load(file)
    with LocalCloud(module.app, tmp_path / "state.db") as cloud:
        [run] = cloud.runs(module.job)
        cloud.wait(run, timeout=timedelta(seconds=20))
        assert run.result == ["begun", "survived"]
    assert (tmp_path / "log").read_text(encoding="utf-8") == "begun survived "
