"""Every supported type is rebuilt from a step's record as what it was, equal and of the same type.

Covers: values.types, values.annotation
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest

from milepost import App, Step
from milepost.testing import Sandbox

app = App("values")
seen: list[Any] = []


class Colour(Enum):
    RED = "red"


class Size(Enum):
    LARGE = 3


def a_none() -> None: ...
def a_bool() -> bool:
    return True


def an_int() -> int:
    return 2**53


def a_float() -> float:
    return 0.1


def a_text() -> str:
    return "é ☃ \x00 \U0001f600"


def a_list() -> list[int]:
    return [1, 2]


def a_dict() -> dict[str, list[int]]:
    return {"a": [1], "": []}


def a_datetime() -> datetime:
    return datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def a_zoned_datetime() -> datetime:
    return datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))


def a_date() -> date:
    return date(2026, 2, 28)


def a_time() -> time:
    return time(23, 59, 59, 999999)


def a_timedelta() -> timedelta:
    return timedelta(days=-1, microseconds=1)


def a_decimal() -> Decimal:
    return Decimal("9.50")


def a_long_decimal() -> Decimal:
    return Decimal("123456789012345678901234567890.10")


def a_uuid() -> UUID:
    return UUID(int=7)


def some_bytes() -> bytes:
    return bytes(range(256))


def a_set() -> set[int]:
    return {1, 2, 3}


def a_frozenset() -> frozenset[str]:
    return frozenset({"a"})


def a_tuple() -> tuple[int, str, Decimal]:
    return 1, "a", Decimal("0.10")


def some_tuples() -> tuple[date, ...]:
    return (date(2026, 1, 1), date(2026, 1, 2))


def an_enum() -> Colour:
    return Colour.RED


def a_numbered_enum() -> Size:
    return Size.LARGE


def nothing_or_a_date() -> date | None:
    return date(2026, 1, 1)


def by_date() -> dict[date, Decimal]:
    return {date(2026, 1, 1): Decimal("1.0")}


FUNCTIONS: dict[str, Callable[[], Any]] = {
    fn.__name__: fn
    for fn in (
        a_none,
        a_bool,
        an_int,
        a_float,
        a_text,
        a_list,
        a_dict,
        a_datetime,
        a_zoned_datetime,
        a_date,
        a_time,
        a_timedelta,
        a_decimal,
        a_long_decimal,
        a_uuid,
        some_bytes,
        a_set,
        a_frozenset,
        a_tuple,
        some_tuples,
        an_enum,
        a_numbered_enum,
        nothing_or_a_date,
        by_date,
    )
}


@app.function()
def keep(event: str, step: Step) -> None:
    seen.append(step.run("make", FUNCTIONS[event]))
    step.sleep("an hour", timedelta(hours=1))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_run_and_replay_see_the_same(name: str) -> None:
    seen.clear()
    with Sandbox(app) as box:
        box.invoke(keep, name)
        box.advance(timedelta(hours=1))
    expected = FUNCTIONS[name]()
    assert len(seen) >= 2
    assert seen == [expected] * len(seen)
    assert {repr(value) for value in seen} == {repr(expected)}
