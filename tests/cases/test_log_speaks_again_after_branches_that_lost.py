"""What a lost branch or an unneeded submit left in the history does not keep the log silent, nor patched() from being new.

Covers: log, patched
"""

import json
from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("log-after-race")


def quote(who: str) -> str:
    return who


def slow(step: Step) -> str:
    step.run("quote", quote, "slow")
    step.sleep("think", timedelta(days=1))
    return step.run("quote again", quote, "slow")


@app.function()
def job(event: None, step: Step) -> bool:
    won = step.race("quotes", slow, lambda s: s.run("quote", quote, "quick"))
    step.sleep("an hour", timedelta(hours=1))
    step.log.info("won", who=won.value)
    return step.patched("new")


@app.function()
def ask(event: None, step: Step) -> bool:
    step.wait_for_callback("answer", lambda token: app.callback(token).succeed("yes"), timeout=timedelta(days=1))
    step.sleep("an hour", timedelta(hours=1))
    step.log.info("answered")
    return step.patched("new")


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it reads all of the log, and a repeated call may say more")
def test_the_body_is_past_its_history(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox(app) as box:
        runs = [box.invoke(job, None), box.invoke(ask, None)]
        box.advance(timedelta(hours=1))
        assert [run.result for run in runs] == [True, True]
    lines = [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()]
    assert sorted(lines) == ["answered", "won"]
