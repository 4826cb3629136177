"""A losing thread that ends after the race is decided records nothing, and begins no further step.

Covers: race.losers
"""

from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from milepost import App, Step, Won
from milepost.local import LocalCloud

pytestmark = [
    pytest.mark.def_steps("it is about a step on a thread, which cannot be stopped"),
    pytest.mark.modes("normal", "always-suspend", reason="its steps wait for each other, and a slice of one step has no other"),
]
app = App("race-threads")
decided, ended = Event(), Event()
calls: list[str] = []


def slow() -> str:
    decided.wait(20)
    return "late"


def quick() -> str:
    return "quick"


def again() -> str:
    calls.append("again")
    return "again"


def loser(step: Step) -> str:
    try:
        step.run("slow", slow)
        return step.run("again", again)
    finally:
        ended.set()


def release() -> None:
    decided.set()
    ended.wait(20)


@app.function(retries=0)
def best(event: None, step: Step) -> Won[str]:
    won = step.race("quotes", loser, lambda s: s.run("quick", quick))
    step.run("release", release)
    return won


def test_late_is_too_late(tmp_path: Path) -> None:
    with LocalCloud(app, tmp_path / "state.db") as cloud:
        run = cloud.invoke(best, None)
        cloud.wait(run, timeout=timedelta(seconds=30))
        assert run.result == Won(1, "quick")
        assert ended.is_set()
        assert calls == []
        assert [step.path for step in run.steps if step.kind == "run"] == ["quotes/1/quick", "release"]
