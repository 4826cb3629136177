"""`finally` and `with` run at every suspension; code after the suspension does not.

Covers: suspension.finally
"""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("suspension-finally")
calls: list[str] = []


@contextmanager
def connection() -> Generator[None, None, None]:
    calls.append("open")
    try:
        yield
    finally:
        calls.append("close")


@app.function()
def job(event: None, step: Step) -> str:
    with connection():
        try:
            step.sleep("one", timedelta(hours=1))
            calls.append("after one")
            step.sleep("two", timedelta(hours=1))
            calls.append("after two")
        finally:
            calls.append("finally")
    return "done"


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it counts the replays")
def test_three_slices() -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        assert calls == ["open", "finally", "close"]
        calls.clear()
        box.advance(timedelta(hours=1))
        assert calls == ["open", "after one", "finally", "close"]
        calls.clear()
        box.advance(timedelta(hours=1))
        assert calls == ["open", "after one", "after two", "finally", "close"]
        assert run.result == "done"
