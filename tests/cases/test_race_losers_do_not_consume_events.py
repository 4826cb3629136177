"""A wait that lost its race before it was ever recorded is withdrawn: the event goes to the run's next wait.

Covers: race.losers, wait.consumed
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("race-consumes-nothing")
DAY = timedelta(days=1)


@app.event("shop/quote", keys=("id",))
class Quote(Event):
    id: str


def instant() -> str:
    return "instant"


def wait_for_quote(step: Step) -> str:
    quote = step.wait_for_event("quote", Quote, id="q-1", timeout=DAY)
    return "nothing" if quote is None else quote.id


@app.function(waits_for=[Quote])
def best(event: None, step: Step) -> tuple[str, str]:
    won = step.race("quotes", wait_for_quote, lambda s: s.run("instant", instant))
    step.sleep("an hour", timedelta(hours=1))
    later = step.wait_for_event("later", Quote, id="q-1", where=lambda quote: True, timeout=DAY)
    return won.value, "nothing" if later is None else later.id


def test_the_next_wait_gets_it() -> None:
    with Sandbox(app) as box:
        run = box.invoke(best, None)
        box.advance(timedelta(minutes=30))
        box.send(Quote(id="q-1"))
        box.advance(timedelta(hours=1))
        assert run.result == ("instant", "q-1")
