"""Retry(give_up_on=) names errors that fail at once, their subclasses included.

Covers: errors.give-up-on
"""

from datetime import timedelta

import pytest

from milepost import App, Retry, Step, StepError
from milepost.testing import Sandbox

app = App("errors-give-up")
calls: list[str] = []


def fail(name: str) -> None:
    calls.append(name)
    raise KeyError(name) if name == "lookup" else ConnectionError(name)


@app.function(retry=Retry(retries=1, give_up_on=(LookupError,)))
def job(event: str, step: Step) -> str:
    try:
        step.run("fail", fail, event)
    except StepError as error:
        return error.info.type
    return "fine"


@app.function(retry=Retry(retries=3, give_up_on=(LookupError,)))
def body(event: None, step: Step) -> None:
    calls.append("body")
    raise KeyError("body")


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_lookup_fails_at_once() -> None:
    with Sandbox(app) as box:
        lookup, connection, failed = box.invoke(job, "lookup"), box.invoke(job, "connection"), box.invoke(body, None)
        assert (lookup.result, failed.status) == ("builtins.KeyError", "failed")
        box.advance(timedelta(hours=1))
        assert connection.result == "builtins.ConnectionError"
        assert {name: calls.count(name) for name in calls} == {"lookup": 1, "connection": 2, "body": 1}
