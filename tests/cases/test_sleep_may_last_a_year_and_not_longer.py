"""A sleep lasts from nothing to a year; a longer or a negative one is an error at the call.

Covers: sleep, promise.bad-input
"""

from datetime import timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("sleep-range")


@app.function()
def nap(event: timedelta, step: Step) -> str:
    step.sleep("nap", event)
    return "awake"


def test_the_range() -> None:
    with Sandbox(app) as box:
        assert box.invoke(nap, timedelta(0)).result == "awake"
        year = box.invoke(nap, timedelta(days=365))
        box.advance(timedelta(days=365))
        assert year.result == "awake"
        assert "sleep 'nap' cannot be negative" in str(box.invoke(nap, timedelta(seconds=-1)).error)
        assert "sleep 'nap' is at most 366 days" in str(box.invoke(nap, timedelta(days=367)).error)
