"""With a policy the failed items stand in the list as StepError, in item order; more than it allows fail the step.

Covers: map.policy
"""

from datetime import timedelta

from milepost import App, Completion, NonRetriableError, Step, StepError
from milepost.testing import Sandbox

app = App("map-policy")


def half(item: int) -> int:
    if item % 2:
        raise NonRetriableError(f"{item} is odd")
    return item // 2


def shown(results: list[int | StepError]) -> list[str]:
    return [one.info.message if isinstance(one, StepError) else str(one) for one in results]


@app.function()
def any_failures(event: list[int], step: Step) -> list[str]:
    results = step.map("half", half, event, policy=Completion())
    step.sleep("an hour", timedelta(hours=1))
    return shown(results)


@app.function()
def max_failures(event: list[int], step: Step) -> list[str]:
    return shown(step.map("half", half, event, policy=Completion(max_failures=1)))


@app.function()
def min_success(event: list[int], step: Step) -> list[str]:
    return shown(step.map("half", half, event, policy=Completion(min_success=2)))


def test_how_many_may_fail() -> None:
    with Sandbox(app) as box:
        run = box.invoke(any_failures, [2, 3, 4])
        box.advance(timedelta(hours=1))
        assert run.result == ["1", "3 is odd", "2"]
        assert box.invoke(max_failures, [2, 3, 4]).result == ["1", "3 is odd", "2"]
        assert "is odd" in str(box.invoke(max_failures, [1, 2, 3]).error)
        assert box.invoke(min_success, [2, 3, 4, 5]).result == ["1", "3 is odd", "2", "5 is odd"]
        assert "is odd" in str(box.invoke(min_success, [1, 2, 3]).error)
        assert "min_success=2 can never be reached" in str(box.invoke(min_success, [2]).error)
