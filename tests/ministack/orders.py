"""The app of the race: orders whose steps draw numbers that nobody can draw again, and tell a file what each slice has seen."""

import os
from datetime import timedelta
from typing import Final
from uuid import uuid4

from milepost import App, Event, Retry, Step

SEEN: Final = "RACE_SEEN"
"""The environment variable that names the file."""
app = App("race")


@app.event("race/order.placed", keys=("order",))
class Placed(Event):
    order: int


@app.event("race/order.approved", keys=("order",))
class Approved(Event):
    order: int
    by: str


def draw(_what: object) -> str:
    """Another text at each call: if a step's body runs twice, its results differ."""
    return uuid4().hex


def saw(run: str, place: str, value: object) -> None:
    """Tell it in one write, which no kill can tear."""
    line = f"{run}\t{place}\t{value}\n".encode()
    file = os.open(os.environ[SEEN], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line)
    finally:
        os.close(file)


@app.function(retry=Retry(retries=10, delays=(timedelta(seconds=1),)))
def pack(event: str, step: Step) -> str:
    packed = step.run("pack", draw, event)
    saw(step.run_id, "pack", packed)
    step.sleep("tape", timedelta(seconds=1))
    return packed


@app.function(on=Placed, waits_for=[Approved], retry=Retry(retries=10, delays=(timedelta(seconds=1),)))
def order(event: Placed, step: Step) -> list[str]:
    def see(place: str, value: str) -> str:
        saw(step.run_id, place, value)
        return value

    paid = see("charge", step.run("charge", draw, event.order))
    reserve, mail = step.parallel("both", lambda s: s.run("reserve", draw, paid), lambda s: s.run("mail", draw, paid))
    see("both", f"{reserve} {mail}")
    step.sleep("cool off", timedelta(seconds=2))
    approval = step.wait_for_event("approval", Approved, order=event.order, timeout=timedelta(hours=1))
    by = see("approval", "nobody" if approval is None else approval.by)
    shipped = see("ship", step.run("ship", draw, by))
    packed = see("invoke", step.invoke("pack", pack, paid)) if event.order % 4 == 0 else ""
    return [paid, reserve, mail, by, shipped, packed]
