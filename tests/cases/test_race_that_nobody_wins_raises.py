"""A race of which every branch failed raises RaceError, with one error per branch in order.

Covers: race.all-failed
"""

from datetime import timedelta

from milepost import App, NonRetriableError, RaceError, Step
from milepost.testing import Sandbox

app = App("race-lost")


def fail(why: str) -> str:
    raise NonRetriableError(why)


def fail_later(step: Step) -> str:
    step.sleep("an hour", timedelta(hours=1))
    return step.run("fail", fail, "late")


@app.function()
def best(event: None, step: Step) -> list[str]:
    try:
        step.race("quotes", fail_later, lambda s: s.run("fail", fail, "at once"))
    except RaceError as error:
        step.sleep("a day", timedelta(days=1))
        return [str(one) for one in error.errors]
    return []


def test_all_errors_in_order() -> None:
    with Sandbox(app) as box:
        run = box.invoke(best, None)
        assert run.status == "waiting"
        box.advance(timedelta(days=2))
        assert run.result == [
            "step 'quotes/0/fail' failed: NonRetriableError: late",
            "step 'quotes/1/fail' failed: NonRetriableError: at once",
        ]
