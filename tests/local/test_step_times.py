"""A step's recorded time is the time that its call took."""

import time
from datetime import timedelta
from pathlib import Path

from milepost import App, Event, Step
from milepost.local import LocalCloud

app = App("times")


@app.event("times/asked", keys=("number",))
class Asked(Event):
    number: int


def take_a_moment() -> str:
    time.sleep(0.03)
    return "done"


@app.function(on=Asked)
def answer(event: Asked, step: Step) -> str:
    return step.run("slow", take_a_moment)


def test_a_step_lasts_from_the_begin_of_its_call_to_its_end(tmp_path: Path) -> None:
    with LocalCloud(app, tmp_path / "state.db") as cloud:
        [run] = cloud.send(Asked(number=1))
        cloud.wait(run, timeout=timedelta(seconds=20))
        [slow] = run.steps
    assert slow.ended_at is not None
    assert slow.ended_at - slow.started_at >= timedelta(milliseconds=29)
