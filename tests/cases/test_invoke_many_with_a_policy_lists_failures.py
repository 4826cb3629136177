"""With a policy the failures stand in the list, as far as it allows; past that they are raised.

Covers: invoke-many.policy
"""

from milepost import App, Completion, InvokeError, NonRetriableError, Step
from milepost.testing import Sandbox

app = App("invoke-many-policy")


@app.function()
def work(event: int, step: Step) -> int:
    if event < 0:
        raise NonRetriableError(f"{event} is negative")
    return event


@app.function()
def lenient(event: list[int], step: Step) -> list[str]:
    results = step.invoke_many("all", work, event, policy=Completion(max_failures=1))
    return [str(one.cause and one.cause.info.message) if isinstance(one, InvokeError) else f"{one}" for one in results]


def test_one_failure_is_allowed_two_are_not() -> None:
    with Sandbox(app) as box:
        assert box.invoke(lenient, [1, -2, 3]).result == ["1", "-2 is negative", "3"]
        run = box.invoke(lenient, [-1, 2, -3])
        assert run.status == "failed"
        assert "is negative" in str(run.error)
