"""A run paused for a hundred days, resumed, repeats no step: its rows were kept from expiring.

Covers: promise.never-stuck
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("paused-long")
made: list[str] = []


@app.event("import/requested")
class ImportRequested(Event):
    file: str


def parse(file: str) -> str:
    made.append(file)
    return file.upper()


@app.function(on=ImportRequested)
def load(event: ImportRequested, step: Step) -> str:
    parsed = step.run("parse", parse, event.file)
    step.sleep("settle", timedelta(days=300))
    return parsed


def test_the_step_before_the_pause_is_not_run_again() -> None:
    made.clear()
    with Sandbox(app) as box:
        [run] = box.send(ImportRequested(file="a.csv"))
        box.pause(run)
        box.advance(timedelta(days=100))
        assert run.status == "paused"
        assert [step.name for step in run.steps] == ["parse", "settle"]
        box.resume(run)
        box.advance(timedelta(days=200))
        assert run.result == "A.CSV"
        assert made == ["a.csv"]
