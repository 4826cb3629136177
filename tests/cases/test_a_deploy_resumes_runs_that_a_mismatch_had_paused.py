"""A run that was paused by a mismatch goes on by itself when other code is deployed, and repeats no step.

Covers: identity.mismatch
"""

import importlib.util
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

from milepost.engine.worker import Moved
from milepost.local import LocalCloud

CODE = """
from datetime import timedelta
from pathlib import Path
from milepost import App, Event, Step

app = App("deployed")

@app.event("shop/paid", keys=("id",))
class Paid(Event):
    id: str

def work() -> str:
    with Path(__file__).with_suffix(".log").open("a") as log:
        log.write("worked ")
    return "worked"

@app.function(waits_for=[Paid])
def job(event: None, step: Step) -> str:
    if WRONG:
        step.sleep("first", timedelta(1))
    else:
        step.run("first", work)
    step.wait_for_event("payment", Paid, id="x", timeout=timedelta(days=1))
    return "done"
"""


def deploy(file: Path, is_wrong: str) -> Any:
    file.write_text(CODE.replace("WRONG", is_wrong), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("deployed", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_three_deploys(tmp_path: Path) -> None:
    file, state = tmp_path / "deployed.py", tmp_path / "state.db"
    begun, paused = Event(), Event()

    def watch(moved: Moved) -> None:
        if moved.status == "waiting":
            begun.set()
        if moved.status == "paused":
            paused.set()

    first = deploy(file, "False")
    with LocalCloud(first.app, state, observe=watch) as cloud:
        cloud.invoke(first.job, None)
        assert begun.wait(20)
    wrong = deploy(file, "True")
    with LocalCloud(wrong.app, state, observe=watch) as cloud:
        cloud.send(wrong.Paid(id="x"))
        assert paused.wait(20)
        assert [run.status for run in cloud.runs(wrong.job)] == ["paused"]
    right = deploy(file, "not True")
    with LocalCloud(right.app, state) as cloud:
        [run] = cloud.runs(right.job)
        cloud.wait(run, timeout=timedelta(seconds=20))
        assert run.result == "done"
    assert file.with_suffix(".log").read_text(encoding="utf-8") == "worked "
