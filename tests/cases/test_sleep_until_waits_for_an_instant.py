"""step.sleep_until suspends until an instant, in whatever time zone it is given; a past one does not wait.

Covers: sleep-until, promise.never-early
"""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("sleep-until")


@app.function()
def alarm(event: datetime, step: Step) -> str:
    step.sleep_until("alarm", event)
    return "ringing"


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_the_instant_counts_not_the_zone() -> None:
    with Sandbox(app, start=datetime(2026, 3, 1, 12, tzinfo=UTC)) as box:
        run = box.invoke(alarm, datetime(2026, 3, 1, 15, tzinfo=timezone(timedelta(hours=2))))
        box.advance(timedelta(minutes=59))
        assert run.status == "waiting"
        box.advance(timedelta(minutes=1))
        assert run.result == "ringing"
        assert box.invoke(alarm, datetime(2020, 1, 1, tzinfo=UTC)).result == "ringing"
