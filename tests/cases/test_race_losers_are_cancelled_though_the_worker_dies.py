"""A worker that dies after it decided a race, before it told the losers, leaves that to the next one.

Covers: race.losers, race
"""

from datetime import timedelta

from milepost import App, Step, Won
from milepost.testing import Sandbox

app = App("race-crash")


@app.function()
def ask_partner(event: None, step: Step) -> str:
    step.sleep("think", timedelta(days=30))
    return "partner"


def quick(step: Step) -> str:
    step.sleep("short", timedelta(hours=1))
    return "quick"


@app.function()
def best(event: None, step: Step) -> Won[str]:
    won = step.race("quotes", lambda s: s.invoke("partner", ask_partner, None), quick)
    step.sleep("a week", timedelta(days=7))
    return won


def test_whatever_the_moment() -> None:
    for moment in range(1, 10):
        with Sandbox(app) as box:
            run = box.invoke(best, None)
            box.advance(timedelta(minutes=59))
            box.crash_after(moment)
            box.advance(timedelta(hours=1))
            [child] = box.runs(ask_partner)
            assert child.status == "cancelled", f"died after {moment} calls"
            box.advance(timedelta(days=7))
            assert run.result == Won(1, "quick")
