"""A deploy may insert steps before and between those that a run has recorded: they run, and the recorded ones do not again.

Covers: identity.insert
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("insert")
deployed: list[str] = []
calls: list[str] = []


def work(what: str) -> str:
    calls.append(what)
    return what


@app.function()
def job(event: None, step: Step) -> list[str]:
    done: list[str] = []
    if deployed:
        done.append(step.run("check", work, "check"))
    done.append(step.run("charge", work, "charge"))
    if deployed:
        done.append(step.run("insure", work, "insure"))
    step.sleep("an hour", timedelta(hours=1))
    if not deployed:
        done.append(step.run("mail", work, "mail"))
    done.append(step.run("ship", work, "ship"))
    return done


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_what_is_recorded_stays() -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        assert calls == ["charge"]
        deployed.append("new code")
        box.advance(timedelta(hours=1))
        assert run.result == ["check", "charge", "insure", "ship"]
        assert calls == ["charge", "check", "insure", "ship"]
