"""Only advance moves the clock, and every due time on the way is met at its own time, in order.

Covers: kit.advance
"""

from datetime import UTC, datetime, timedelta

import pytest

from milepost import (
    App,
    Step,
    UsageError,
)
from milepost.testing import Sandbox

app = App("advance")
log: list[tuple[str, datetime]] = []


@app.function()
def nap(event: int, step: Step) -> None:
    step.sleep("nap", timedelta(hours=event))
    step.run("note", note, f"{event} h")
    step.sleep("again", timedelta(hours=event))
    step.run("note again", note, f"{event} h again")


class Now:
    box: Sandbox | None = None


def note(what: str) -> None:
    assert Now.box is not None
    log.append((what, Now.box.now))


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_in_one_leap() -> None:
    with Sandbox(app, start=datetime(2026, 5, 1, tzinfo=UTC)) as box:
        Now.box = box
        for hours in (3, 1, 5):
            box.invoke(nap, hours)
        assert box.now == datetime(2026, 5, 1, tzinfo=UTC)
        box.advance(timedelta(hours=7))
        assert [(what, at.hour) for what, at in log] == [("1 h", 1), ("1 h again", 2), ("3 h", 3), ("5 h", 5), ("3 h again", 6)]
        assert box.now == datetime(2026, 5, 1, 7, tzinfo=UTC)
        with pytest.raises(UsageError, match="negative"):
            box.advance(timedelta(hours=-1))
