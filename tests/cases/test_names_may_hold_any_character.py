"""Separators in names are escaped: `a/b`, `a:2` and the like are names of their own, shown as they were given.

Covers: identity.escape
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("names-escaped")
calls: list[str] = []
NAMES = ["a", "a", "a:2", "a/b", "m/0", "100%", "#1", "~undo/a", "~patched/a", "été ☃", "a%3A2", " "]


def work(name: str) -> str:
    calls.append(name)
    return name


def inner(step: Step, item: str) -> str:
    return step.run("b", work, item)


@app.function()
def job(event: None, step: Step) -> list[str]:
    results = [step.run(name, work, f"{number} {name}") for number, name in enumerate(NAMES)]
    results += step.map("m", work, ["mapped"])
    results += step.each("a", inner, ["inner"])
    step.sleep("an hour", timedelta(hours=1))
    return results


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_none_is_taken_for_another() -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        box.advance(timedelta(hours=1))
        assert run.result == [*(f"{number} {name}" for number, name in enumerate(NAMES)), "mapped", "inner"]
        assert len(calls) == len(NAMES) + 2
        shown = [step.name for step in run.steps if step.kind == "run" and step.scope == ""]
        assert shown == ["a", "a:2", *NAMES[2:]]
