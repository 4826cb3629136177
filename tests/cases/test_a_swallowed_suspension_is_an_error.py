"""A body that swallows its suspension with a bare except does not complete with a step pending: it fails, and says why.

Covers: suspension.except, promise.never-stuck
"""

from datetime import timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("suspension-swallowed")


@app.function()
def careless(event: None, step: Step) -> str:
    try:
        step.sleep("an hour", timedelta(hours=1))
    except BaseException:  # noqa: BLE001 - the careless user's
        return "swallowed"
    return "slept"


def test_it_does_not_complete() -> None:
    with Sandbox(app) as box:
        run = box.invoke(careless, None)
        box.advance(timedelta(hours=2))
        assert run.status == "failed"
        assert "except Exception" in str(run.error)
