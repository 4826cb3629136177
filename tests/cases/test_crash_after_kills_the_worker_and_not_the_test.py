"""crash_after(n): the worker's n-th port call takes effect, all else is gone, and its message comes again.

Covers: kit.crash, run.at-least-once
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Step,
    UsageError,
)
from milepost.testing import Sandbox

app = App("crash")
did: list[str] = []


@app.function()
def work(event: None, step: Step) -> str:
    try:
        step.run("a", did.append, "a")
        step.run("b", did.append, "b")
    finally:
        did.append("finally")
    return "done"


@pytest.mark.modes(without="simulated-rough", reason="it counts port calls")
@pytest.mark.parametrize(
    ("calls", "effect"),
    [
        (1, ["a", "b"]),  # born; nothing had begun
        (2, ["a", "b"]),  # a is recorded
        (3, ["a", "b"]),  # b is
        (4, ["a", "b"]),  # the end is
    ],
)
def test_what_was_recorded_is_not_done_again(calls: int, effect: list[str]) -> None:
    did.clear()
    with Sandbox(app) as box:
        at = box.now
        box.crash_after(calls)
        run = box.invoke(work, None)
        assert run.result == "done"
        assert [what for what in did if what != "finally"] == effect
        assert box.now == at + timedelta(minutes=2)  # until the message is visible again


@pytest.mark.modes("normal", reason="it counts port calls")
def test_the_calls_of_the_test_itself_are_not_counted() -> None:
    with Sandbox(app) as box:
        box.crash_after(5)
        at = box.now
        for _ in range(10):
            assert box.runs() == []
        run = box.invoke(work, None)
        assert run.result == "done"
        assert box.now == at
        with pytest.raises(UsageError, match="at least 1"):
            box.crash_after(0)
