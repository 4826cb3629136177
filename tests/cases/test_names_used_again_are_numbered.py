"""The n-th use of a name in a scope is `name:n`, and a replay finds each of them again.

Covers: identity.nth
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("names-again")
calls: list[int] = []


def charge(amount: int) -> str:
    calls.append(amount)
    return f"paid {amount}"


@app.function()
def pay(event: list[int], step: Step) -> list[str]:
    paid = [step.run("charge", charge, amount) for amount in event]
    step.sleep("an hour", timedelta(hours=1))
    return paid


@pytest.mark.modes(without="simulated-rough", reason="it counts executions")
def test_three_uses_three_steps() -> None:
    with Sandbox(app) as box:
        run = box.invoke(pay, [5, 6, 7])
        box.advance(timedelta(hours=1))
        assert run.result == ["paid 5", "paid 6", "paid 7"]
        assert calls == [5, 6, 7]
        assert [step.name for step in run.steps] == ["charge", "charge:2", "charge:3", "an hour"]
