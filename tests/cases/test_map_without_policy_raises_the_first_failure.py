"""Without a policy the first failed item is raised as StepError, the same at every replay.

Covers: map, errors.step-error
"""

from datetime import timedelta

from milepost import App, Step, StepError
from milepost.testing import Sandbox

app = App("map-raises")
seen: list[str] = []


class Odd(Exception):
    pass


def half(item: int) -> int:
    if item % 2:
        raise Odd(f"{item} is odd")
    return item // 2


@app.function(retries=0)
def halves(event: list[int], step: Step) -> str:
    try:
        step.map("half", half, event)
    except Odd as error:
        seen.append(f"{isinstance(error, StepError)} {error}")
        step.sleep("an hour", timedelta(hours=1))
        return seen[-1]
    return "all even"


def test_first_run_and_replay() -> None:
    with Sandbox(app) as box:
        run = box.invoke(halves, [2, 3, 5])
        box.advance(timedelta(hours=1))
        assert run.result == "True step 'half/1' failed: Odd: 3 is odd"
        assert len(seen) >= 2
        assert len(set(seen)) == 1
