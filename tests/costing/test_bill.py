"""The bill: what is counted, what it costs, and what others would count in the same history."""

from datetime import timedelta

import pytest

from milepost import App, Event, Step
from milepost.costing.bill import INVOCATION_MS, REQUEST_MS, Bill, lines_of, rivals_of, total_of
from milepost.costing.playing import play
from milepost.costing.prices import PRICES, READ_ON, REGION, SOURCES
from milepost.costing.scenarios import ScenarioError
from milepost.testing import Sandbox, Usage

app = App("bills")
PRICE = PRICES[REGION]
WEIGHT = 800
"""Characters of a result whose item is just below one kilobyte, with its keys and times."""


@app.event("bills/asked")
class Asked(Event):
    nap: timedelta


@app.event("bills/flaky")
class Flaky(Event):
    pass


def text(length: int) -> str:
    return "x" * length


ATTEMPTS: list[int] = []


def shaky() -> int:
    ATTEMPTS.append(1)
    if len(ATTEMPTS) % 3:
        raise ConnectionError("not yet")
    return 1


@app.function(on=Asked)
def ten_steps_and_a_sleep(event: Asked, step: Step) -> None:
    for number in range(10):
        step.run(f"step {number}", text, WEIGHT)
        if number == 4:
            step.sleep("a while", event.nap)


@app.function(on=Flaky)
def branches(event: Flaky, step: Step) -> None:
    step.map("part", text, [1, 2])
    step.run("shaky", shaky)


def bill(nap: timedelta) -> Bill:
    def scenario(box: Sandbox) -> None:
        box.send(Asked(nap=nap))
        box.advance(nap)

    return play(app, scenario, "a scenario")


@pytest.mark.parametrize("nap", [timedelta(minutes=10), timedelta(days=1)])
def test_a_million_runs_of_ten_kilobyte_steps_and_a_sleep_cost_twenty_dollars_at_most(nap: timedelta) -> None:
    found = bill(nap)
    assert found.runs == {"completed": 1}
    assert 10 < found.dollars <= 20


def test_its_steps_are_of_a_kilobyte() -> None:
    with Sandbox(app) as box:
        [run] = box.send(Asked(nap=timedelta(minutes=1)))
        assert box.meter.of(run).steps["step 0"].units == 1
        box.stub(ten_steps_and_a_sleep, "step 0", "x" * (WEIGHT + 120))
        [run] = box.send(Asked(nap=timedelta(minutes=1)))
        assert box.meter.of(run).steps["step 0"].units == 2


def test_others_count_each_step_and_each_retry() -> None:
    found = bill(timedelta(days=1))
    transitions, operations = found.rivals
    assert (transitions.count, transitions.dollars) == (11, 275)
    assert (operations.count, operations.dollars) == (12, 96)
    ATTEMPTS.clear()
    with Sandbox(app) as box:
        [run] = box.send(Flaky())
        box.advance(timedelta(hours=1))
        transitions, operations = rivals_of({run.id: run.steps}, PRICE)
    assert transitions.count == 1 + 2 + 3, "the map, its items, and three attempts"
    assert operations.count == 1 + 1 + 2 + 1


def test_each_service_has_its_line_and_what_was_not_used_has_none() -> None:
    usage = Usage(units=10, read_units=1.5, queue_requests=3, events=1, schedules=1, blob_puts=1, blob_gets=2, invocations=2, requests=8)
    lines = {(line.service, line.what): line for line in lines_of(usage, PRICE, memory_mb=1024)}
    assert len(lines) == 9
    assert lines["Amazon DynamoDB", "write units, indexes included"].dollars == 6.25
    assert lines["Amazon S3", "large values stored"].dollars == 5
    seconds = lines["AWS Lambda", "GB-seconds of the engine"]
    assert seconds.count == (2 * INVOCATION_MS + 8 * REQUEST_MS) / 1000
    assert [line.dollars for line in lines.values()] == sorted((line.dollars for line in lines.values()), reverse=True)
    assert total_of(lines.values()) == pytest.approx(sum(line.count * line.price for line in lines.values()))
    assert lines_of(Usage(), PRICE) == []


def test_a_smaller_worker_costs_less() -> None:
    def scenario(box: Sandbox) -> None:
        box.send(Flaky())

    assert play(app, scenario, "x", memory_mb=128).dollars < play(app, scenario, "x", memory_mb=1024).dollars


def test_the_price_table_says_when_and_where_it_was_read() -> None:
    assert READ_ON.isoformat() == bill(timedelta(minutes=1)).prices_of
    assert all(source.startswith("https://aws.amazon.com/") for source in SOURCES.values())


def test_a_scenario_that_raises_shows_its_own_traceback() -> None:
    def scenario(box: Sandbox) -> None:
        raise ValueError("no such order")

    with pytest.raises(ScenarioError, match="big order failed: ValueError: no such order") as caught:
        play(app, scenario, "big order")
    assert "test_bill.py" in caught.value.trace
    assert "playing.py" not in caught.value.trace


def test_a_scenario_that_starts_nothing_has_no_bill() -> None:
    with pytest.raises(ScenarioError, match="has started no run"):
        play(app, lambda box: box.advance(timedelta(days=1)), "nothing")
