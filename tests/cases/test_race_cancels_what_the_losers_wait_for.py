"""When a race is won the losers' children are cancelled, their waits and sleeps withdrawn, and they do not go on.

Covers: race.losers
"""

from datetime import timedelta

import pytest

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("race-losers")
calls: list[str] = []


@app.event("shop/quote", keys=("id",))
class Quote(Event):
    id: str


@app.function()
def ask_partner(event: None, step: Step) -> str:
    step.sleep("think", timedelta(days=1))
    return "partner"


def note(what: str) -> str:
    calls.append(what)
    return what


def wait_for_quote(step: Step) -> str:
    step.wait_for_event("quote", Quote, id="q-1", timeout=timedelta(days=1))
    return step.run("note", note, "event")


def sleep(step: Step) -> str:
    step.sleep("long", timedelta(hours=5))
    return step.run("note", note, "slept")


def quick(step: Step) -> str:
    step.sleep("short", timedelta(hours=1))
    return step.run("note", note, "quick")


@app.function(waits_for=[Quote])
def best(event: None, step: Step) -> str:
    won = step.race("quotes", lambda s: s.invoke("partner", ask_partner, None), wait_for_quote, sleep, quick)
    step.sleep("a week", timedelta(days=7))
    return won.value


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="a cancelled child may answer before it is recorded as such")
def test_only_the_winner_goes_on() -> None:
    with Sandbox(app) as box:
        run = box.invoke(best, None)
        box.advance(timedelta(hours=1))
        [child] = box.runs(ask_partner)
        assert child.status == "cancelled"
        box.send(Quote(id="q-1"))
        box.advance(timedelta(days=8))
        assert run.result == "quick"
        assert calls == ["quick"]
        assert {step.path: str(step.status) for step in run.steps if step.path.startswith("quotes/")} == {
            "quotes/0/partner": "cancelled",
            "quotes/1/quote": "cancelled",
            "quotes/2/long": "cancelled",
            "quotes/3/short": "completed",
            "quotes/3/note": "completed",
        }
