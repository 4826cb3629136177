"""`returns=` is the class that a callback's answer is rebuilt as, whoever gave it.

Covers: callback.returns
"""

from dataclasses import dataclass
from datetime import date, timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("callback-returns")
tokens: list[str] = []


@dataclass(frozen=True)
class Approval:
    by: str
    until: date


@app.function()
def approve(event: str, step: Step) -> Approval:
    return step.wait_for_callback("approval", tokens.append, returns=Approval, timeout=timedelta(days=1))


def test_an_object_or_its_json() -> None:
    with Sandbox(app) as box:
        typed, plain = box.invoke(approve, "a"), box.invoke(approve, "b")
        app.callback(tokens[0]).succeed(Approval("ada", date(2026, 3, 1)))
        app.callback(tokens[1]).succeed({"by": "bea", "until": "2026-04-01"})
        box.run_until_idle()
        assert typed.result == Approval("ada", date(2026, 3, 1))
        assert plain.result == Approval("bea", date(2026, 4, 1))
