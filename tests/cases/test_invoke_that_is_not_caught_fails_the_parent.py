"""An InvokeError that nobody catches fails the parent without a retry, naming the child.

Covers: invoke.error, errors.uncaught
"""

from datetime import timedelta

from milepost import App, NonRetriableError, Step
from milepost.testing import Sandbox

app = App("invoke-uncaught")
attempts: list[int] = []


@app.function()
def child(event: None, step: Step) -> None:
    raise NonRetriableError("will not")


@app.function()
def parent(event: None, step: Step) -> None:
    attempts.append(step.attempt)
    step.invoke("child", child, None)


def test_no_retry() -> None:
    with Sandbox(app) as box:
        run = box.invoke(parent, None)
        box.advance(timedelta(days=1))
        [other] = box.runs(child)
        assert run.status == "failed"
        assert f"run {other.id} of child failed: NonRetriableError: will not" in str(run.error)
        assert set(attempts) == {1}
        assert len(box.runs(child)) == 1
