"""A returned run shows the run as it is now: id, status, result, error, steps, history.

Covers: kit.handles, kit.status, kit.result
"""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import pytest

from milepost import (
    App,
    RunNotCompleted,
    RunStatus,
    Step,
)
from milepost.testing import Sandbox

app = App("handles")


@dataclass(frozen=True)
class Receipt:
    order: str
    total: Decimal


@app.function(retries=0)
def pay(event: str, step: Step) -> Receipt:
    total = step.run("charge", charge, event)
    step.sleep("cool off", timedelta(hours=1))
    return Receipt(event, total)


def charge(order: str) -> Decimal:
    if order == "bad":
        raise ValueError("no money")
    return Decimal("9.50")


@pytest.mark.modes(without="simulated-rough", reason="it measures time")
def test_before_and_after() -> None:
    with Sandbox(app) as box:
        run = box.invoke(pay, "o-1")
        assert run.status == "waiting"
        assert isinstance(run.status, RunStatus)
        assert f"{run.status}" == "waiting"
        assert run.error is None
        with pytest.raises(RunNotCompleted, match="it is waiting") as caught:
            _ = run.result
        assert caught.value.status == "waiting"
        assert [(step.name, step.status) for step in run.steps] == [("charge", "completed"), ("cool off", "pending")]
        box.advance(timedelta(hours=1))
        assert run.status == "completed"
        assert run.result == Receipt("o-1", Decimal("9.50"))
        assert run.history() == run.steps
        assert run.steps[1].status == "completed"
        assert run.function == "pay"
        assert run.ended_at == box.now


def test_a_failed_one_says_why() -> None:
    with Sandbox(app) as box:
        run = box.invoke(pay, "bad")
        assert run.status == "failed"
        assert run.error is not None
        assert (run.error.type, run.error.message, run.error.step) == ("builtins.ValueError", "no money", "charge")
        with pytest.raises(RunNotCompleted, match=r"it is failed \(ValueError: no money") as caught:
            _ = run.result
        assert caught.value.error == run.error


def test_a_cancelled_one_says_that() -> None:
    with Sandbox(app) as box:
        run = box.invoke(pay, "o-1")
        box.cancel(run)
        with pytest.raises(RunNotCompleted, match=r"it is cancelled"):
            _ = run.result
