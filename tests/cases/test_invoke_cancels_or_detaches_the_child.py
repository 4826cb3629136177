"""When the parent is cancelled its child is cancelled too, unless it was invoked with on_cancel="detach".

Covers: invoke.on-cancel
"""

from datetime import timedelta

from milepost import App, Step
from milepost.testing import Sandbox

app = App("invoke-on-cancel")


@app.function()
def work(event: str, step: Step) -> str:
    step.sleep("work", timedelta(days=1))
    return event


@app.function()
def strict(event: None, step: Step) -> str:
    return step.invoke("child", work, "strict")


@app.function()
def loose(event: None, step: Step) -> str:
    return step.invoke("child", work, "loose", on_cancel="detach")


def test_the_detached_child_goes_on() -> None:
    with Sandbox(app) as box:
        strict_run = box.invoke(strict, None)
        [strict_child] = box.runs(work)
        loose_run = box.invoke(loose, None)
        [loose_child] = [run for run in box.runs(work) if run != strict_child]
        box.cancel(strict_run)
        box.cancel(loose_run)
        box.advance(timedelta(days=1))
        assert (strict_run.status, strict_child.status) == ("cancelled", "cancelled")
        assert (loose_run.status, loose_child.status) == ("cancelled", "completed")
