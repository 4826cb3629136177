"""sys.exit() in a step, a branch or a body is a failure like others: it ends neither the worker nor the test.

Covers: errors.plain, errors.body-retries, promise.never-stuck
"""

import sys
from datetime import timedelta
from pathlib import Path

from milepost import App, Step, StepError
from milepost.local import LocalCloud
from milepost.testing import Sandbox

app = App("errors-exit")


def give_up(code: int) -> int:
    sys.exit(f"code {code}")


@app.function(retries=0)
def in_step(event: None, step: Step) -> str:
    try:
        step.run("exit", give_up, 1)
    except StepError as error:
        return f"{type(error).__name__} {error.info}"
    return "went on"


@app.function(retries=0)
def in_branch(event: None, step: Step) -> str:
    try:
        step.map("exit", give_up, [1, 2])
    except StepError as error:
        return f"{type(error).__name__} {error.info}"
    return "went on"


@app.function(retries=0)
def in_body(event: None, step: Step) -> int:
    return give_up(3)


def test_in_the_sandbox() -> None:
    with Sandbox(app) as box:
        assert box.invoke(in_step, None).result == "StepError SystemExit: code 1 (step 'exit')"
        assert box.invoke(in_branch, None).result == "StepError SystemExit: code 1 (step 'exit/0')"
        run = box.invoke(in_body, None)
        assert (run.status, str(run.error)) == ("failed", "SystemExit: code 3")


def test_on_one_thread_of_a_local_cloud(tmp_path: Path) -> None:
    with LocalCloud(app, tmp_path / "state.db", threads=1) as cloud:
        runs = [cloud.invoke(function, None) for function in (in_step, in_branch, in_body)]
        cloud.wait(*runs, timeout=timedelta(seconds=20))
        assert [run.status for run in runs] == ["completed", "completed", "failed"]
