"""A replay that comes with other arguments gets the recorded result, and a warning that names the step.

Covers: identity.arguments
"""

import json
from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

pytestmark = pytest.mark.modes("normal", "one-step", reason="it counts the replays, and gives each other arguments")
app = App("arguments")
amounts = [5, 6]


def charge(amount: int) -> str:
    return f"paid {amount}"


@app.function()
def pay(event: None, step: Step) -> str:
    paid = step.run("charge", charge, amounts.pop(0))
    step.sleep("an hour", timedelta(hours=1))
    return paid


def test_the_record_counts(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox(app) as box:
        run = box.invoke(pay, None)
        box.advance(timedelta(hours=1))
        assert run.result == "paid 5"
    [warning] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (warning["level"], warning["step"], warning["run_id"]) == ("WARNING", "charge", run.id)
    assert "other arguments" in warning["message"]
