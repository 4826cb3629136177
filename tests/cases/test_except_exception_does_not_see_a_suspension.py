"""A body that catches every Exception suspends all the same, and goes on.

Covers: suspension.except
"""

from datetime import timedelta

from milepost import App, Event, Step
from milepost.testing import Sandbox

app = App("suspension-except")
caught: list[Exception] = []


@app.event("shop/paid", keys=("id",))
class Paid(Event):
    id: str


@app.function(waits_for=[Paid])
def careless(event: None, step: Step) -> str:
    try:
        step.sleep("an hour", timedelta(hours=1))
        paid = step.wait_for_event("payment", Paid, id="x", timeout=timedelta(hours=1))
    except Exception as error:  # noqa: BLE001 - the careless user's
        caught.append(error)
        return "caught"
    return "nothing" if paid is None else "paid"


def test_nothing_is_caught() -> None:
    with Sandbox(app) as box:
        run = box.invoke(careless, None)
        assert run.status == "waiting"
        box.advance(timedelta(hours=1))
        assert run.status == "waiting"
        box.send(Paid(id="x"))
        assert run.result == "paid"
        assert caught == []
