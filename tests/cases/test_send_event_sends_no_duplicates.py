"""Event ids are made of run and step: replays send nothing, and a crash before the record sends no second event.

Covers: send-event.no-duplicates, promise.one-run
"""

from datetime import timedelta

import pytest

from milepost import App, DefFunction, Event, Step
from milepost.testing import Sandbox

app = App("send-event-once")


@app.event("shop/shipped")
class Shipped(Event):
    order_id: str


@app.function()
def ship(event: None, step: Step) -> list[str]:
    ids = [*step.send_event("announce", Shipped(order_id="o-1")), *step.send_event("announce", Shipped(order_id="o-2"))]
    step.sleep("an hour", timedelta(hours=1))
    return ids


@app.function()
def ship_nothing(event: None, step: Step) -> None:
    step.sleep("an hour", timedelta(hours=1))


@app.function(on=Shipped)
def thank(event: Shipped, step: Step) -> str:
    return event.order_id


def test_whatever_the_moment_of_the_crash() -> None:
    ids: set[tuple[str, ...]] = set()
    for moment in range(1, 9):
        with Sandbox(app) as box:
            box.crash_after(moment)
            run = box.invoke(ship, None, id="the same")
            box.advance(timedelta(hours=2))
            assert sorted(thanks.result for thanks in box.runs(thank)) == ["o-1", "o-2"]
            ids.add(tuple(run.result))
    assert len(ids) == 1


def writes_of_a_replay(function: DefFunction[None, object]) -> int:
    with Sandbox(app) as box:
        box.invoke(function, None)
        box.advance(timedelta(minutes=59))
        before = box.meter.writes
        box.advance(timedelta(minutes=1))
        return box.meter.writes - before


@pytest.mark.modes(without=("simulated", "simulated-rough"), reason="it counts writes")
def test_a_replay_sends_nothing() -> None:
    assert writes_of_a_replay(ship) == writes_of_a_replay(ship_nothing)
