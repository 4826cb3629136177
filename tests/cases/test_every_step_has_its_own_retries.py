"""Each step counts its own attempts: one that needed all its retries leaves the next one all of its.

Covers: errors.own-counter
"""

from datetime import timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("errors-own-counter")
calls: list[str] = []


def flaky(name: str) -> str:
    calls.append(name)
    if calls.count(name) < 3:
        raise ConnectionError("not yet")
    return name


@app.function(retries=2)
def job(event: None, step: Step) -> list[str]:
    return [step.run("one", flaky, "one"), step.run("two", flaky, "two"), *step.map("many", flaky, ["three", "four"])]


def test_twelve_calls() -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        box.advance(timedelta(minutes=10))
        assert run.result == ["one", "two", "three", "four"]
        assert {name: calls.count(name) for name in calls} == {"one": 3, "two": 3, "three": 3, "four": 3}
