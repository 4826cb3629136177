"""Values made up of types, and functions started with them: no step of the user's is called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, NewType, TypedDict
from uuid import UUID

import msgspec
import pytest

from milepost import App, AsyncStep, Backoff, Cron, CronTick, Event, Failure, Step
from milepost.codec import Codec
from milepost.costing.making_up import NothingFits, made_up
from milepost.costing.playing import play_made_up, startable
from milepost.costing.scenarios import ScenarioError

app = App("made-up")
UserId = NewType("UserId", str)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Line:
    sku: str
    price: Decimal


class Box(msgspec.Struct):
    lines: tuple[Line, ...]
    pair: tuple[int, str]
    by_name: Mapping[str, int]
    tags: frozenset[str]


class Wire(TypedDict):
    at: datetime
    blob: bytes


class Loop(msgspec.Struct):
    inner: "Loop"


@pytest.mark.parametrize(
    "annotation",
    [
        *(str, int, float, bool, None, Decimal, bytes, datetime, timedelta, UUID, Colour, UserId, Line, Box, Wire, Literal["a", "b"], Any),
        *(list[Line], dict[str, int], set[int], str | None, int | str, Sequence[UserId], Box | None),
    ],
)
def test_what_is_made_up_is_of_its_type(annotation: Any) -> None:
    Codec.of(annotation).decode(msgspec.json.encode(made_up(annotation)), "it")


def test_what_may_be_absent_is_and_a_list_has_one_item() -> None:
    assert made_up(str | None) is None
    assert made_up(list[int]) == [1]
    assert made_up(Box) == {"lines": [{"sku": "text", "price": 1}], "pair": [1, "text"], "by_name": {}, "tags": ["text"]}


def test_what_cannot_be_made_up_is_named() -> None:
    with pytest.raises(NothingFits, match=r"inner: inner: .*it holds itself"):
        made_up(Loop)


@app.event("made-up/placed", keys=("order",))
class Placed(Event):
    order: UserId
    lines: Sequence[Line]


@app.event("made-up/loop")
class LoopSent(msgspec.Struct):
    loop: Loop


def never(*_args: object) -> Decimal:
    raise AssertionError("a step was called")


async def never_async() -> Line:
    raise AssertionError("an async step was called")


def never_bool() -> bool:
    raise AssertionError("a check was called")


def handler(event: Placed, step: Step, failure: Failure) -> None:
    step.run("tell", never)


@app.function(on=Placed, waits_for=[Placed], on_failure=handler)
def fulfil(event: Placed, step: Step) -> Decimal:
    prices = step.map("price", never, event.lines)
    step.wait_for_event("again", Placed, order=event.order, timeout=timedelta(days=20))
    step.wait_until("ready", never_bool, every=Backoff(timedelta(minutes=1)), timeout=timedelta(hours=1))
    step.options(compensate=never).run("pay", never, prices)
    return sum(prices, Decimal(0))


@app.function(on=Cron("0 9 * * *"))
async def daily(event: CronTick, step: AsyncStep) -> str:
    return (await step.run("line", never_async)).sku


@app.function(on=LoopSent)
def looping(event: LoopSent, step: Step) -> None:
    pass


def skus(event: Line, step: Step) -> str:
    return event.sku


child = app.function(name="child")(skus)


def test_a_function_is_billed_without_calling_its_steps() -> None:
    bill = play_made_up(app, "fulfil")
    assert (bill.scenario, bill.runs) == ("fulfil", {"completed": 1})
    assert bill.rivals[1].count == 1 + 5
    assert {line.what: line.count for line in bill.lines}["events published"] == 1


def test_a_cron_is_billed_for_one_tick_however_long_it_takes() -> None:
    bill = play_made_up(app, "daily")
    assert bill.runs == {"completed": 1}
    assert "events published" not in {line.what for line in bill.lines}


def test_a_function_that_is_only_invoked_is_given_its_data() -> None:
    assert play_made_up(app, "child").runs == {"completed": 1}


def test_an_event_that_cannot_be_made_up_says_how_to_write_a_scenario() -> None:
    with pytest.raises(ScenarioError, match="no event can be made up for looping: loop: inner") as caught:
        play_made_up(app, "looping")
    assert "def scenario(box: Sandbox) -> None" in caught.value.hint


def test_what_is_billed_without_being_asked_for() -> None:
    assert startable(app) == ["fulfil", "daily", "looping"]
    alone = App("alone")
    alone.function()(skus)
    assert startable(alone) == ["skus"]
