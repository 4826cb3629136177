"""A race without branches and a concurrency of zero are errors at the call; parallel of nothing is an empty tuple.

Covers: race, map.concurrency, parallel, promise.bad-input
"""

from typing import Any

from milepost import App, Step
from milepost.testing import Sandbox

app = App("branches-none")


@app.function()
def no_racer(event: None, step: Step) -> None:
    nobody: list[Any] = []
    step.race("nobody", *nobody)


@app.function()
def no_worker(event: None, step: Step) -> None:
    step.map("nothing", str, [1], concurrency=0)


@app.function()
def nothing(event: None, step: Step) -> int:
    nobody: list[Any] = []
    return len(step.parallel("nobody", *nobody))


def test_one_clear_error_each() -> None:
    with Sandbox(app) as box:
        assert "race 'nobody' needs at least one branch" in str(box.invoke(no_racer, None).error)
        assert "(concurrency=) is at least 1, not 0" in str(box.invoke(no_worker, None).error)
        assert box.invoke(nothing, None).result == 0
