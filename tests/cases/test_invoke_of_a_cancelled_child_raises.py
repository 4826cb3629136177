"""A child that somebody cancels raises InvokeError in its parent, without a cause.

Covers: invoke.error
"""

from datetime import timedelta

from milepost import App, InvokeError, Step
from milepost.testing import Sandbox

app = App("invoke-child-cancelled")


@app.function()
def work(event: None, step: Step) -> None:
    step.sleep("work", timedelta(days=1))


@app.function()
def parent(event: None, step: Step) -> str:
    try:
        step.invoke("child", work, None)
    except InvokeError as error:
        return f"{error.cause} {error}"
    return "done"


def test_the_parent_hears_of_it() -> None:
    with Sandbox(app) as box:
        run = box.invoke(parent, None)
        [child] = box.runs(work)
        box.cancel(child)
        assert run.result.startswith(f"None run {child.id} of work was cancelled")
