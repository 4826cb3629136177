"""Another kind of step under a recorded name pauses the run, loudly, even when the body swallows it; nothing is lost.

Covers: identity.mismatch
"""

import json
from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("mismatch")
deployed: list[str] = []


def work() -> str:
    return "worked"


@app.function()
def job(event: None, step: Step) -> str:
    try:
        if deployed:
            step.sleep("first", timedelta(seconds=30))
        else:
            step.run("first", work)
    except Exception:  # noqa: BLE001 - the careless user's
        return "swallowed"
    step.sleep("an hour", timedelta(hours=1))
    return "done"


def test_it_waits_for_better_code(capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        deployed.append("wrong code")
        box.advance(timedelta(days=1))
        assert run.status == "paused"
        reason = run.view.reason or ""
        assert "step 'first' is recorded as 'run', the code now makes it 'sleep'" in reason
        assert "Give the new step another name" in reason
        assert [step.kind for step in run.steps] == ["run", "sleep"]
        deployed.clear()
        box.resume(run)
        assert run.result == "done"
    errors = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["level"], line["run_id"]) for line in errors] == [("ERROR", run.id)]
