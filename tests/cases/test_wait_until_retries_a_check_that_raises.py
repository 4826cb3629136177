"""A check that raises is a failed attempt: it is retried, and the last failure is raised as StepError.

Covers: wait-until, errors.default-retries
"""

from datetime import timedelta

import pytest

from milepost import App, Backoff, Step, StepError
from milepost.testing import Sandbox

app = App("wait-until-raises")
asked: list[int] = []


def check() -> str | None:
    asked.append(1)
    if len(asked) < 4:
        raise ConnectionError("no answer")
    return "ready"


def broken() -> str | None:
    raise ConnectionError("no answer")


@app.function(retries=3)
def build(event: None, step: Step) -> str:
    return step.wait_until("build", check, every=Backoff(timedelta(minutes=1)), timeout=timedelta(hours=1))


@app.function(retries=1)
def hopeless(event: None, step: Step) -> str:
    try:
        return step.wait_until("build", broken, every=Backoff(timedelta(minutes=1)), timeout=timedelta(hours=1))
    except StepError as error:
        return str(error)


answers: list[str | None] = ["error", None, "error", None, "error", None, "ready"]


def unsteady() -> str | None:
    answer = answers.pop(0)
    if answer == "error":
        raise ConnectionError("no answer")
    return answer


@app.function(retries=1)
def patient(event: None, step: Step) -> str:
    return step.wait_until("build", unsteady, every=Backoff(timedelta(minutes=1)), timeout=timedelta(hours=1))


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_only_failures_in_a_row_count() -> None:
    with Sandbox(app) as box:
        run = box.invoke(patient, None)
        box.advance(timedelta(hours=1))
        assert run.result == "ready"


def test_three_failures_are_forgiven() -> None:
    with Sandbox(app) as box:
        forgiven, failed = box.invoke(build, None), box.invoke(hopeless, None)
        box.advance(timedelta(minutes=10))
        assert forgiven.result == "ready"
        assert failed.result == "step 'build' failed: ConnectionError: no answer"
