"""The first run sees its results as read back, so that no code works at first and breaks on the replay.

Covers: values.round-trip
"""

from collections.abc import Sequence
from datetime import timedelta

from milepost import App, Backoff, Step
from milepost.testing import Sandbox

app = App("values-round-trip")
MINUTE = timedelta(minutes=1)
SHARED = ["a", "b"]
seen: list[tuple[str, bool]] = []


def listed() -> Sequence[str]:
    return SHARED


@app.function()
def job(event: None, step: Step) -> None:
    value = step.run("value", listed)
    polled = step.wait_until("poll", listed, every=Backoff(MINUTE), timeout=MINUTE)
    seen.extend([(repr(value), value is SHARED), (repr(polled), polled is SHARED)])
    step.sleep("an hour", timedelta(hours=1))


def test_the_first_time_is_like_the_second() -> None:
    with Sandbox(app) as box:
        box.invoke(job, None)
        SHARED.append("c")
        box.advance(timedelta(hours=1))
        assert len(seen) >= 4
        assert seen == [("['a', 'b']", False)] * len(seen)
