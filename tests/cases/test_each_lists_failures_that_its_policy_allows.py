"""With a policy each lists the failures of its items' steps as StepError, in item order.

Covers: each, map.policy
"""

from milepost import App, Completion, NonRetriableError, Step, StepError
from milepost.testing import Sandbox

app = App("each-policy")


def half(item: int) -> int:
    if item % 2:
        raise NonRetriableError(f"{item} is odd")
    return item // 2


def body(step: Step, item: int) -> int:
    return step.run("half", half, item) + step.run("half", half, item)


@app.function()
def halves(event: list[int], step: Step) -> list[str]:
    results = step.each("double", body, event, policy=Completion(max_failures=1))
    return [one.step if isinstance(one, StepError) else str(one) for one in results]


def test_the_failed_step_is_named() -> None:
    with Sandbox(app) as box:
        assert box.invoke(halves, [2, 3, 4]).result == ["2", "double/1/half", "4"]
