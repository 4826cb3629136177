"""A rerun from a step begins with the records written before that step's first, and does the rest anew.

Covers: door.rerun-from-step
"""

from datetime import timedelta

import pytest

from milepost import (
    App,
    Step,
)
from milepost.testing import Sandbox

app = App("rerun-from")
did: list[str] = []


def do(what: str) -> str:
    did.append(what)
    return f"{what} {did.count(what)}"


@app.function()
def order(event: None, step: Step) -> list[str]:
    first = step.run("reserve", do, "reserve")
    step.sleep("cool off", timedelta(days=3))
    second, third = step.parallel("both", lambda s: s.run("pack", do, "pack"), lambda s: s.run("label", do, "label"))
    return [first, second, third, step.run("ship", do, "ship")]


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it asserts the order in which branches work")
def test_from_the_end_and_from_within_branches() -> None:
    with Sandbox(app) as box:
        run = box.invoke(order, None)
        box.advance(timedelta(days=3))
        assert run.result == ["reserve 1", "pack 1", "label 1", "ship 1"]
        begun = box.now
        assert box.rerun(run, from_step="ship").result == ["reserve 1", "pack 1", "label 1", "ship 2"]
        assert box.rerun(run, from_step="both").result == ["reserve 1", "pack 2", "label 2", "ship 3"]
        assert box.rerun(run, from_step="both/1/label").result == ["reserve 1", "pack 1", "label 3", "ship 4"]
        assert box.now == begun  # the sleep was over
        whole = box.rerun(run, from_step="reserve")
        assert whole.status == "waiting"
