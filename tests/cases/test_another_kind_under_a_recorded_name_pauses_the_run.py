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
        match deployed:
            case ["sleep"]:
                step.sleep("first", timedelta(seconds=30))
            case ["parallel"]:
                step.parallel("first", lambda s: s.run("work", work))
            case ["map"]:
                step.map("first", str, [1])
            case _:
                step.run("first", work)
    except Exception:  # noqa: BLE001 - the careless user's
        return "swallowed"
    step.sleep("an hour", timedelta(hours=1))
    return "done"


@pytest.mark.parametrize("kind", ["sleep", "parallel", "map"])
def test_it_waits_for_better_code(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        deployed.append(kind)
        box.advance(timedelta(days=1))
        assert run.status == "paused"
        reason = run.view.reason or ""
        assert f"step 'first' is recorded as 'run', the code now makes it '{kind}'" in reason
        assert "Give the new step another name" in reason
        assert [step.kind for step in run.steps] == ["run", "sleep"]
        deployed.clear()
        box.resume(run)
        assert run.result == "done"
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["level"], line["run_id"]) for line in logged if line["message"] == "the run is paused"] == [("ERROR", run.id)]
