"""A slice that is out of time hands over between two steps. What it had said is not said again, and what its body had done wrong,
and swallowed, is not forgotten.
"""

import json
from typing import Any

import pytest

from milepost import App, AsyncStep, Step, UsageError
from tests.engine.stage import SECOND, Stage

app = App("hand-over")
stages: list[Stage] = []
replays: list[int] = []


def slow() -> None:
    """Two of them do not fit into one slice."""
    stages[-1].pass_time(56 * SECOND)


@app.function()
def chatty(event: None, step: Step) -> None:
    step.log.info("begun")
    step.run("first", slow)
    step.log.info("between")
    step.parallel("branch", talk)
    step.log.info("done")


def talk(step: Step) -> None:
    step.run("second", slow)
    step.log.info("in a branch")
    step.run("third", slow)


@app.function()
async def async_chatty(event: None, step: AsyncStep) -> None:
    step.log.info("begun")
    await step.run("first", slow)
    step.log.info("between")
    await step.parallel("branch", async_talk)
    step.log.info("done")


async def async_talk(step: AsyncStep) -> None:
    await step.run("second", slow)
    step.log.info("in a branch")
    await step.run("third", slow)


@app.function(retries=1)
def unlucky(event: None, step: Step) -> None:
    step.run("first", slow)
    step.log.info("between")
    replays.append(step.attempt)
    if replays == [1, 1]:  # where nothing is recorded after the hand-over
        raise ConnectionError("again, please")
    step.run("second", slow)
    step.log.info("after")


@app.function()
def careless(event: None, step: Step) -> str:
    def work() -> str:
        slow()
        try:
            return step.run("inner", str)
        except UsageError:
            return "never mind"

    step.run("outer", work)
    return step.run("another", str)


def run_out(function: Any) -> tuple[Any, int]:
    """Run it in slices that run out of time; the run, and how many there were."""
    with Stage(app) as stage:
        stages.append(stage)
        run = stage.client.invoke(function, None)
        stage.run_until_idle()
        stage.pass_time(60 * SECOND)
        stage.run_until_idle()
        return (run.status, str(run.error)), stage.header(run.id).epoch


def messages(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line["message"] for line in lines if line["level"] == "INFO"]


@pytest.mark.parametrize("function", [chatty, async_chatty], ids=["def", "async"])
def test_every_line_once(function: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_out(function) == (("completed", "None"), 3)
    assert messages(capsys) == ["begun", "between", "in a branch", "done"]


def test_every_line_once_in_each_attempt(capsys: pytest.CaptureFixture[str]) -> None:
    replays.clear()
    assert run_out(unlucky) == (("completed", "None"), 3)
    assert replays == [1, 1, 2]
    assert messages(capsys) == ["between", "between", "after"]


def test_a_misuse_that_was_swallowed() -> None:
    (status, error), _slices = run_out(careless)
    assert status == "failed"
    assert "step 'inner' is used inside 'outer'" in error
