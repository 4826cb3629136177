"""Without a policy the first child that fails fails them all: the others are cancelled.

Covers: invoke-many
"""

from datetime import timedelta

from milepost import App, InvokeError, NonRetriableError, Step
from milepost.testing import Sandbox

app = App("invoke-many-fails")


@app.function()
def work(event: int, step: Step) -> int:
    step.sleep("work", timedelta(hours=event))
    if event == 2:
        raise NonRetriableError("two is too many")
    return event


@app.function()
def parent(event: list[int], step: Step) -> str:
    try:
        step.invoke_many("all", work, event)
    except InvokeError as error:
        step.sleep("an hour", timedelta(hours=1))
        return str(error.cause and error.cause.info)
    return "all"


def test_the_third_is_cancelled() -> None:
    with Sandbox(app) as box:
        run = box.invoke(parent, [1, 2, 3])
        box.advance(timedelta(hours=4))
        assert run.result == "NonRetriableError: two is too many"
        assert sorted(str(child.status) for child in box.runs(work)) == ["cancelled", "completed", "failed"]
