"""On a real cloud the branches of parallel, and the items of map, are worked on at the same time.

Covers: parallel, map.concurrency
"""

from datetime import timedelta
from pathlib import Path
from threading import Barrier, Lock

import pytest

from milepost import App, Step
from milepost.local import LocalCloud

pytestmark = [
    pytest.mark.def_steps("its steps wait for each other, each blocking its thread"),
    pytest.mark.modes("normal", "always-suspend", reason="its steps wait for each other, and a slice of one step has no other"),
]
app = App("parallel-threads")
together = Barrier(3, timeout=20)
busy: list[int] = []
most: list[int] = []
lock = Lock()


def meet() -> str:
    together.wait()
    return "met"


def count(item: int) -> int:
    with lock:
        busy.append(item)
        most.append(len(busy))
    pairs.wait()
    with lock:
        busy.remove(item)
    return item


pairs = Barrier(2, timeout=20)


@app.function(retries=0)
def gather(event: None, step: Step) -> list[str]:
    first = step.parallel("three", lambda s: s.run("meet", meet), lambda s: s.run("meet", meet), lambda s: s.run("meet", meet))
    return [*first, *(f"{one}" for one in step.map("count", count, range(8), concurrency=2))]


def test_three_meet_and_two_at_a_time(tmp_path: Path) -> None:
    with LocalCloud(app, tmp_path / "state.db") as cloud:
        run = cloud.invoke(gather, None)
        cloud.wait(run, timeout=timedelta(seconds=30))
        assert run.result == ["met", "met", "met", *"01234567"]
    assert max(most) == 2
