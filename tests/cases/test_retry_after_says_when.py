"""RetryAfterError says when the next attempt comes, by a time from now or an instant, in a step and in a body.

Covers: errors.retry-after
"""

from datetime import datetime, timedelta

from milepost import App, RetryAfterError, Step
from milepost.testing import Sandbox

app = App("errors-retry-after")
HOUR = timedelta(hours=1)
calls: list[datetime] = []
box = Sandbox(app)


def limited() -> str:
    calls.append(box.now)
    match len(calls):
        case 1:
            raise RetryAfterError(3 * HOUR)
        case 2:
            raise RetryAfterError(box.now + 2 * HOUR, "the bank is closed")
        case _:
            return "through"


@app.function(retries=2)
def in_step(event: None, step: Step) -> str:
    return step.run("limited", limited)


@app.function(retries=2)
def in_body(event: None, step: Step) -> str:
    return limited()


@app.function(retries=2)
def at_once(event: None, step: Step) -> str:
    calls.append(box.now)
    if len(calls) < 3:
        raise RetryAfterError(0 * HOUR)
    return "through"


@app.function(retries=1)
def too_often(event: None, step: Step) -> str:
    return step.run("limited", limited)


def test_in_a_step_and_in_a_body() -> None:
    with box:
        for function in (in_step, in_body):
            calls.clear()
            run = box.invoke(function, None)
            box.advance(6 * HOUR)
            assert run.result == "through"
            assert [at - calls[0] for at in calls] == [0 * HOUR, 3 * HOUR, 5 * HOUR]
        calls.clear()
        assert box.invoke(at_once, None).result == "through"
        assert calls == [box.now] * 3
        calls.clear()
        run = box.invoke(too_often, None)
        box.advance(6 * HOUR)
        assert run.status == "failed"
        assert "the bank is closed" in str(run.error)
        assert len(calls) == 2
