"""parallel runs its branches, each with a scope of its own, and returns their values in order as a tuple.

Covers: parallel, identity.scope
"""

from datetime import timedelta

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("parallel")
calls: list[str] = []


def reserve() -> int:
    calls.append("reserve")
    return 3


def mail() -> str:
    calls.append("mail")
    return "sent"


@app.function()
def prepare(event: None, step: Step) -> tuple[int, str, None]:
    stock, mailed, nothing = step.parallel(
        "prepare", lambda s: s.run("do", reserve), lambda s: s.run("do", mail), lambda s: s.sleep("do", timedelta(hours=1))
    )
    return stock, mailed, nothing


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it asserts the order in which branches work")
def test_one_name_in_three_scopes() -> None:
    with Sandbox(app) as box:
        run = box.invoke(prepare, None)
        assert run.status == "waiting"
        box.advance(timedelta(hours=1))
        assert run.result == (3, "sent", None)
        assert calls == ["reserve", "mail"]
        assert sorted(step.path for step in run.steps) == ["prepare/0/do", "prepare/1/do", "prepare/2/do"]
