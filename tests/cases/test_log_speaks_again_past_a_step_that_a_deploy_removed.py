"""A deploy that removes a step does not silence step.log for the rest of the run.

Covers: log
"""

from datetime import timedelta

import pytest

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("removed-step")
code = {"is_old": True}


@app.event("house/inspected")
class Inspected(Event):
    house: str


def look(what: str) -> str:
    return what


@app.function(on=Inspected)
def inspect(event: Inspected, step: Step) -> None:
    if code["is_old"]:
        step.run("cellar", look, "cellar")
    step.run("roof", look, "roof")
    step.log.info("roof seen")
    step.sleep("report", timedelta(days=1))
    step.log.info("reported")


def test_what_comes_after_it_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox(app) as box:
        code["is_old"] = True
        [run] = box.send(Inspected(house="h-1"))
        code["is_old"] = False
        box.advance(timedelta(days=1))
        assert run.status == "completed"
    logged = capsys.readouterr().out
    assert logged.count("roof seen") == 1
    assert logged.count('"reported"') == 1
