"""Which messages go to the hub: those for async functions, by the function they name or by the run."""

from collections.abc import Iterator

import msgspec
import pytest

from milepost import App, AsyncStep, Event, Step
from milepost.engine import keys
from milepost.engine.messages import SIGNAL, BusEvent, Cancel, EventMessage, Message, Poke, Publish, Start, TimerDue, encode
from milepost.engine.worker import Moved
from milepost.events import Failure
from milepost.local.lanes import HUB, THREADS, Lanes
from milepost.local.post import Letter
from milepost.local.store import Store
from milepost.local.table import LocalTable
from milepost.runs import RunStatus

app = App("lanes")


@app.event("lanes/asked")
class Asked(Event):
    number: int


async def sorry(event: Asked, step: AsyncStep, failure: Failure) -> None:
    pass


@app.function(on=Asked, on_failure=sorry)
def plain(event: Asked, step: Step) -> None:
    pass


@app.function(on=Asked)
async def modern(event: Asked, step: AsyncStep) -> None:
    pass


@pytest.fixture
def table() -> Iterator[LocalTable]:
    with Store(None) as store:
        yield LocalTable(store)


@pytest.fixture
def lanes(table: LocalTable) -> Lanes:
    return Lanes(app.definitions, table)


def lane(lanes: Lanes, message: Message | str) -> int:
    body = message if isinstance(message, str) else encode(message)
    return lanes.of(Letter(0, 1, "default", body, 0, 0, None))


def event_for(target: str) -> EventMessage:
    return EventMessage(target=target, at=1, event=BusEvent(id="e", detail_type="lanes/asked", detail=msgspec.Raw(b'{"number":1}')))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("plain", THREADS),
        ("modern", HUB),
        ("plain.on_failure", HUB),
        ("modern.undo", HUB),
        ("plain.undo", THREADS),
        ("not.deployed", THREADS),
    ],
)
def test_a_start_goes_where_its_function_goes(lanes: Lanes, function: str, expected: int) -> None:
    assert lane(lanes, Start(run="r", function=function, data="{}")) == expected
    assert lane(lanes, event_for(function)) == expected


@pytest.mark.parametrize(("function", "expected"), [("plain", THREADS), ("modern", HUB)])
def test_a_run_goes_where_its_function_goes(lanes: Lanes, table: LocalTable, function: str, expected: int) -> None:
    key = keys.header("r")
    table.put({"pk": key.pk, "sk": key.sk, "function": function})
    assert lane(lanes, Poke(run="r")) == expected
    assert lane(lanes, TimerDue(run="r", due_at=5)) == expected


def test_a_run_that_has_moved_here_is_not_looked_up(lanes: Lanes) -> None:
    lanes.moved(Moved("r", "modern", RunStatus.RUNNING, 0))  # the table knows nothing of it
    assert lane(lanes, Poke(run="r")) == HUB


def test_only_so_many_runs_are_remembered(lanes: Lanes) -> None:
    for number in range(50_000):
        lanes.moved(Moved(f"r{number}", "modern", RunStatus.RUNNING, 0))
    assert len(lanes._runs) <= 20_000  # pyright: ignore[reportPrivateUsage]
    assert lane(lanes, Poke(run="r49999")) == HUB


@pytest.mark.parametrize(
    "message",
    [
        Poke(run="unknown"),
        Cancel(run="r", function="modern", reason="enough"),
        Publish(name="lanes/asked", source="s", detail="{}", id="e"),
        event_for(SIGNAL + "default"),
        "not a message",
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_is_of_no_function_goes_to_the_threads(lanes: Lanes, message: Message | str) -> None:
    assert lane(lanes, message) == THREADS


def test_an_app_without_async_functions_needs_no_hub(table: LocalTable) -> None:
    lanes = Lanes(App("none").definitions, table)
    assert not lanes.has_async
    assert lane(lanes, Start(run="r", function="modern", data="{}")) == THREADS
