"""step.log writes each line once, however often the body is replayed, with the run's id and the line's own fields.

Covers: log
"""

import json
from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("log-once")


def work() -> int:
    return 1


def send() -> str:
    return "sent"


@app.function()
def job(event: None, step: Step) -> None:
    step.log.info("begun")
    step.run("work", work)
    step.log.info("worked", items=3)
    step.run("send", send)
    step.log.info("sent")
    step.sleep("an hour", timedelta(hours=1))
    step.log.info("slept")
    step.sleep("another", timedelta(hours=1))
    step.log.warning("done")


@pytest.mark.modes(without="simulated-rough", reason="it counts the lines of the log")
def test_every_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        box.advance(timedelta(hours=2))
        assert run.status == "completed"
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    lines = [line for line in logged if line["level"] != "ERROR"]  # a service that fails beneath is told of, as often as it does
    assert [(line["level"], line["message"]) for line in lines] == [
        ("INFO", "begun"),
        ("INFO", "worked"),
        ("INFO", "sent"),
        ("INFO", "slept"),
        ("WARNING", "done"),
    ]
    assert {line["run_id"] for line in lines} == {run.id}
    assert lines[1]["items"] == 3
