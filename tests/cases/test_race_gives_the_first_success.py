"""race returns Won(index, value) of the branch that succeeds first; a failure does not win, and a replay decides alike.

Covers: race
"""

from datetime import timedelta

from milepost import App, NonRetriableError, Step, Won
from milepost.testing import Sandbox

app = App("race")


def fail() -> str:
    raise NonRetriableError("no")


def quote(step: Step, hours: int) -> str:
    step.sleep("think", timedelta(hours=hours))
    return f"after {hours} h"


@app.function()
def best(event: None, step: Step) -> Won[str]:
    won = step.race("quotes", lambda s: s.run("fail", fail), lambda s: quote(s, 3), lambda s: quote(s, 2))
    step.sleep("a day", timedelta(days=1))
    return won


def test_the_quickest_success_wins() -> None:
    with Sandbox(app) as box:
        run = box.invoke(best, None)
        box.advance(timedelta(hours=2) - timedelta(milliseconds=1))
        assert run.status == "waiting"
        box.advance(timedelta(days=2))
        assert run.result == Won(2, "after 2 h")
