"""Once a cancelled run is settled no step of it begins, and its children are cancelled with it.

Covers: promise.cancelled, kit.cancel
"""

from datetime import timedelta

from milepost import (
    App,
    Step,
)
from milepost.testing import Sandbox

app = App("cancelled")
did: list[str] = []


@app.function()
def child(event: None, step: Step) -> None:
    step.sleep("nap", timedelta(hours=2))
    step.run("too late", did.append, "child")


@app.function()
def parent(event: None, step: Step) -> None:
    step.run("first", did.append, "first")

    def late(s: Step) -> None:
        s.sleep("nap", timedelta(hours=1))
        s.run("second", did.append, "second")

    step.parallel("both", lambda s: s.invoke("child", child, None), late)


def test_whatever_was_on_its_way() -> None:
    with Sandbox(app) as box:
        run = box.invoke(parent, None)
        box.cancel(run)
        steps = run.steps
        box.advance(timedelta(days=9))
        assert [one.status for one in box.runs()] == ["cancelled", "cancelled"]
        assert did == ["first"]
        assert [step.path for step in run.steps] == [step.path for step in steps]
