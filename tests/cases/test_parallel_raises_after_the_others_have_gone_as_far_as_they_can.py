"""When one branch fails its error is raised after the others have ended or suspended; what they waited for is withdrawn.

Covers: parallel
"""

from datetime import timedelta

import pytest

from milepost import App, NonRetriableError, Step, StepError
from milepost.testing import Sandbox

app = App("parallel-fails")
calls: list[str] = []


def fail() -> None:
    raise NonRetriableError("no stock")


def mail() -> None:
    calls.append("mail")


def slow(step: Step) -> None:
    step.run("mail", mail)
    step.sleep("a day", timedelta(days=1))
    step.run("mail", mail)


@app.function()
def prepare(event: None, step: Step) -> str:
    try:
        step.parallel("prepare", slow, lambda s: s.run("reserve", fail))
    except StepError as error:
        step.sleep("two days", timedelta(days=2))
        return error.info.message
    return "prepared"


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="an async parallel does not wait for a step under way")
def test_the_other_branch_does_not_come_back() -> None:
    with Sandbox(app) as box:
        run = box.invoke(prepare, None)
        assert calls == ["mail"]
        box.advance(timedelta(days=2))
        assert run.result == "no stock"
        assert calls == ["mail"]
