"""A step with once=True whose worker died in it raises StepInterrupted, and is not called a second time.

Covers: options.once
"""

import pytest

from milepost import App, Step, StepInterrupted
from milepost.testing import Sandbox

app = App("once-crash")
wires: list[int] = []


def wire_money() -> str:
    wires.append(1)
    return "sent"


@app.function()
def pay(event: None, step: Step) -> str:
    try:
        return step.options(once=True).run("wire", wire_money)
    except StepInterrupted as error:
        return f"look after {error.step} by hand"


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it counts port calls")
def test_whatever_the_moment_of_the_crash_it_is_called_at_most_once() -> None:
    results: set[str] = set()
    for moment in range(1, 5):
        wires.clear()
        with Sandbox(app) as box:
            box.crash_after(moment)
            run = box.invoke(pay, None)
            results.add(run.result)
        assert len(wires) <= 1
    assert results == {"sent", "look after wire by hand"}
