"""What the meter counts: for whom, in which unit, and of which service."""

from datetime import timedelta
from typing import Any

import pytest

from docs.generators import costs
from milepost import App, Event, Function, Step
from milepost.engine.ports import Key
from milepost.testing import Meter, Sandbox, Usage
from milepost.testing.meter import MeteredTable
from milepost.testing.usage import place_of
from tests.engine.stage import Stage

app = App("metered")


@app.event("metered/asked", keys=("number",))
class Asked(Event):
    number: int


@app.event("metered/answered", keys=("number",))
class Answered(Event):
    number: int


def text(length: int) -> str:
    return "x" * length


def noise(length: int) -> str:
    """Text that cannot be made much smaller."""
    from hashlib import sha256

    return "".join(sha256(str(number).encode()).hexdigest() for number in range(length // 64))


@app.function(on=Asked, waits_for=[Answered])
def answer(event: Asked, step: Step) -> int:
    step.run("small", text, 10)
    step.run("large", text, 3_000)
    found = step.wait_for_event("answer", Answered, number=event.number, timeout=timedelta(days=1))
    return 0 if found is None else found.number


@app.function()
def sleeper(event: timedelta, step: Step) -> None:
    step.sleep("a while", event)


@app.function()
def hoarder(event: int, step: Step) -> int:
    kept = step.run("heap", noise, event)
    step.sleep("a minute", timedelta(minutes=1))
    return len(kept)


def used(function: Function[Any, Any], data: object, time: timedelta = timedelta(0)) -> Usage:
    with Sandbox(app) as box:
        run = box.invoke(function, data)
        box.advance(time)
        assert run.status == "completed"
        return box.meter.usage


def test_a_run_and_each_of_its_steps_are_counted_apart() -> None:
    with Sandbox(app) as box:
        [one] = box.send(Asked(number=1))
        [other] = box.send(Asked(number=2))
        box.send(Answered(number=1))
        of_one, of_other = box.meter.of(one), box.meter.of(other.id)
        assert (of_one.steps["small"].writes, of_one.steps["small"].units, of_one.steps["large"].units) == (1, 1, 4)
        assert of_one.steps["answer"].writes == 5, "pending, its wait row, done, and the row's end, which two ask for"
        assert of_other.steps["answer"].writes == 2
        assert of_one.units > sum(count.units for count in of_one.steps.values()), "its header is of no step"
        assert of_one.writes + of_other.writes < box.meter.writes, "the rows of the event are no run's"
        assert box.meter.of("nobody").writes == 0


def test_places_of_items() -> None:
    assert place_of(Key("run#r", "run")) == ("r", "")
    assert place_of(Key("run#r", "step#a%2Fb/0/c")) == ("r", "a/b/0/c")
    assert place_of(Key("wait#e#k=s:1", "r#approval~0")) == ("r", "approval")
    assert place_of(Key("event#e#k=s:1", "0")) is None


def test_reads_are_counted_by_what_they_read() -> None:
    with Stage(app) as stage:
        meter = Meter()
        table = MeteredTable(stage.ports.table, meter)
        for number in range(4):
            table.put({"pk": "run#r", "sk": f"step#{number}", "text": "x" * 5_000})
        table.get(Key("run#r", "step#1"))
        assert meter.usage.read_units == 2
        table.get(Key("run#r", "step#1"), consistent=False)
        assert meter.usage.read_units == 3
        table.query("run#r", "step#")
        assert meter.usage.read_units == 8, "20 KB at once are 5 units"
        table.get(Key("run#r", "nothing"))
        assert meter.usage.read_units == 9
        assert meter.of("r").steps["1"].read_units == 3


def test_a_shortcut_for_many_items_costs_as_much_as_they_weigh() -> None:
    with Sandbox(app) as box:
        run = box.invoke(hoarder, 30_000)
        box.advance(timedelta(minutes=1))
        assert run.status == "completed"
        assert box.meter.of(run).read_units == 8, "its history is 30 KB"


def test_a_short_sleep_is_a_delayed_message_and_a_long_one_a_schedule() -> None:
    minute = used(sleeper, timedelta(minutes=1), timedelta(minutes=1))
    assert (minute.invocations, minute.queue_requests, minute.schedules) == (2, 6, 0)
    day = used(sleeper, timedelta(days=1), timedelta(days=1))
    assert (day.invocations, day.queue_requests, day.schedules) == (3, 9, 1)


def test_a_schedule_that_is_not_needed_any_more_is_not_billed() -> None:
    with Sandbox(app) as box:
        box.send(Asked(number=1))
        assert box.meter.usage.schedules == 1
        before = box.meter.usage
        box.send(Answered(number=1))
        since = box.meter.usage - before
        assert (since.schedules, since.events) == (-1, 1)


def test_large_values_are_counted_where_they_are_kept() -> None:
    small = used(hoarder, 1_000, timedelta(minutes=1))
    large = used(hoarder, 700_000, timedelta(minutes=1))
    assert (small.blob_puts, small.blob_gets) == (0, 0)
    assert (large.blob_puts, large.blob_gets) == (1, 1)
    assert large.units <= small.units + 1


@pytest.mark.parametrize("title", [title for title, _ in costs.RUNS])
def test_moto_and_memory_count_the_same(title: str) -> None:
    """What the bill is made of: the same requests, of the same size, to each service."""
    assert costs.usage_of(title, backend="moto") == costs.usage_of(title)
