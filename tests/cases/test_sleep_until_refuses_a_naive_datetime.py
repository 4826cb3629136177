"""A datetime without a time zone names no instant: sleep_until says how to mend it.

Covers: sleep-until, promise.bad-input
"""

from datetime import datetime

from milepost import App, Step
from milepost.testing import Sandbox

app = App("sleep-until-naive")


@app.function()
def alarm(event: None, step: Step) -> None:
    step.sleep_until("alarm", datetime(2026, 3, 1, 15))


def test_the_error_shows_the_way() -> None:
    with Sandbox(app) as box:
        run = box.invoke(alarm, None)
        assert run.status == "failed"
        assert "sleep_until 'alarm' is the naive datetime 2026-03-01 15:00:00, which names no instant" in str(run.error)
        assert "datetime.now(UTC)" in str(run.error)
        assert run.steps == []
