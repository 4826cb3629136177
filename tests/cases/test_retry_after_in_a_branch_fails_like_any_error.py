"""A step that has used up its RetryAfterErrors fails as a StepError: it stands in a map's list, and raised again it is final.

Covers: errors.retry-after, map.policy
"""

from datetime import timedelta

from milepost import App, Completion, RetryAfterError, Step, StepError
from milepost.testing import Sandbox

app = App("errors-retry-after-branch")


class RateLimited(RetryAfterError):
    pass


def limited(item: int) -> int:
    if item == 2:
        raise RateLimited(timedelta(minutes=1), "too many")
    return item


def raise_again(error: RateLimited) -> int:
    raise error


@app.function(retries=1)
def job(event: None, step: Step) -> list[str]:
    results = step.map("limited", limited, [1, 2, 3], policy=Completion())
    try:
        step.run("alone", limited, 2)
    except RateLimited as error:
        results.append(len(str(error.args[0])))
        try:
            step.run("again", raise_again, error)
        except StepError as second:
            results.append(second)
    return [one.info.message if isinstance(one, StepError) else str(one) for one in results]


def test_it_is_an_error_like_others() -> None:
    with Sandbox(app) as box:
        run = box.invoke(job, None)
        box.advance(timedelta(hours=1))
        assert run.result == ["1", "too many", "3", "8", "too many"]
