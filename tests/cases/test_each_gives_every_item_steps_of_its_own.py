"""each runs a body per item with steps in the scope `name/<i>`; an item that waits does not keep the others.

Covers: each, identity.scope
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("each")
sent: list[str] = []


def send(item: str) -> str:
    sent.append(item)
    return f"sent {item}"


def remind(step: Step, item: str) -> str:
    if item == "b":
        step.sleep("a day", timedelta(days=1))
    return step.run("send", send, item)


@app.function()
def reminders(event: list[str], step: Step) -> list[str]:
    return step.each("remind", remind, event)


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it asserts the order in which branches work")
def test_b_comes_a_day_later() -> None:
    with Sandbox(app) as box:
        run = box.invoke(reminders, ["a", "b", "c"])
        assert sent == ["a", "c"]
        box.advance(timedelta(days=1))
        assert run.result == ["sent a", "sent b", "sent c"]
        assert sent == ["a", "c", "b"]
        assert sorted(step.path for step in run.steps if step.kind == "run") == ["remind/0/send", "remind/1/send", "remind/2/send"]
