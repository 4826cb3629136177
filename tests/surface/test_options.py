"""Options: their defaults, their arithmetic, and what they refuse."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.errors import DefinitionError, UsageError
from milepost.options import YEAR, Backoff, Completion, Retry, check_duration, check_instant

SECOND = timedelta(seconds=1)


def test_the_default_table_and_its_repetition() -> None:
    retry = Retry(retries=12, jitter=0)
    seconds = [retry.delay_ms(attempt, "r/s") // 1_000 for attempt in range(1, 13)]
    assert seconds == [15, 30, 60, 120, 300, 600, 1_200, 2_400, 3_600, 7_200, 7_200, 7_200]
    assert Retry().retries == 4


def test_a_table_of_ones_own() -> None:
    retry = Retry(delays=[SECOND, 3 * SECOND], jitter=0)
    assert [retry.delay_ms(attempt, "") for attempt in (1, 2, 3)] == [1_000, 3_000, 3_000]


def test_backoff_grows_to_its_limit() -> None:
    retry = Retry(delays=Backoff(SECOND, factor=3, limit=20 * SECOND), jitter=0)
    assert [retry.delay_ms(attempt, "") for attempt in (1, 2, 3, 4, 5)] == [1_000, 3_000, 9_000, 20_000, 20_000]


def test_backoff_without_limit_stops_at_a_year() -> None:
    assert Backoff(SECOND).delay_ms(10_000) == YEAR // timedelta(milliseconds=1)


@given(attempt=st.integers(1, 1_000), salt=st.text(), jitter=st.floats(0, 1))
def test_jitter_lengthens_by_at_most_its_share_and_is_no_chance(attempt: int, salt: str, jitter: float) -> None:
    plain = Retry(jitter=0).delay_ms(attempt, salt)
    delay = Retry(jitter=jitter).delay_ms(attempt, salt)
    assert plain <= delay <= plain * (1 + jitter)
    assert delay == Retry(jitter=jitter).delay_ms(attempt, salt)


def test_jitter_differs_by_salt_and_attempt() -> None:
    retry = Retry(delays=[timedelta(hours=1)], jitter=1)
    assert len({retry.delay_ms(attempt, salt) for attempt in range(1, 6) for salt in ("a", "b", "c")}) == 15


def test_give_up_on() -> None:
    retry = Retry(give_up_on=(ValueError, KeyError))
    assert retry.gives_up_on(UnicodeError())
    assert not retry.gives_up_on(TypeError())
    assert not Retry().gives_up_on(ValueError())


def test_options_are_compared_by_value_and_frozen() -> None:
    assert Retry(delays=[SECOND]) == Retry(delays=(SECOND,))
    assert hash(Retry(delays=[SECOND])) == hash(Retry(delays=(SECOND,)))
    assert Completion(min_success=1) == Completion(min_success=1)
    with pytest.raises(AttributeError):
        Retry().retries = 5  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retries": -1}, "at least 0"),
        ({"retries": 1_001}, "at most 1000"),
        ({"retries": True}, "is an int, not True"),
        ({"retries": 1.5}, "is an int, not 1.5"),
        ({"jitter": -0.1}, "from 0 to 1"),
        ({"jitter": 1.1}, "from 0 to 1"),
        ({"jitter": True}, "from 0 to 1"),
        ({"jitter": float("nan")}, "from 0 to 1"),
        ({"delays": []}, "empty"),
        ({"delays": SECOND}, "sequence of timedeltas"),
        ({"delays": "1s"}, "sequence of timedeltas"),
        ({"delays": [5]}, r"delays=\)\[0\] is a timedelta, not 5 \(int\): timedelta\(seconds=5\)"),
        ({"delays": [-SECOND]}, "cannot be negative"),
        ({"delays": [timedelta(days=400)]}, "at most 366 days"),
        ({"give_up_on": ValueError}, r"\(ValueError,\)"),
        ({"give_up_on": (BaseException,)}, "exception classes"),
        ({"give_up_on": ("x",)}, "exception classes"),
    ],
    ids=str,
)
def test_retry_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        Retry(**options)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((timedelta(0),), "at least"),
        ((5,), "is a timedelta"),
        ((timedelta(days=367),), "at most 366 days"),
        ((SECOND, 0.5), "at least 1"),
        ((SECOND, True), "at least 1"),
        ((SECOND, float("inf")), "at least 1"),
        ((SECOND, 2.0, timedelta(milliseconds=5)), "at least 0:00:01"),
    ],
    ids=str,
)
def test_backoff_refuses(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        Backoff(*arguments)


@pytest.mark.parametrize("options", [{"min_success": 0}, {"max_failures": -1}, {"min_success": True}, {"max_failures": 0.5}], ids=str)
def test_completion_refuses(options: dict[str, Any]) -> None:
    with pytest.raises(DefinitionError):
        Completion(**options)


@pytest.mark.parametrize("value", [timedelta(0), SECOND, YEAR])
def test_durations_within_bounds(value: timedelta) -> None:
    assert check_duration(value, "the sleep") == value


@pytest.mark.parametrize(
    ("value", "message"),
    [(-SECOND, "the sleep cannot be negative"), (YEAR + SECOND, "at most 366 days"), (30, r"timedelta\(seconds=30\)"), (None, "not None")],
)
def test_durations_out_of_bounds(value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_duration(value, "the sleep")


def test_an_instant_needs_a_time_zone() -> None:
    aware = datetime(2026, 1, 1, tzinfo=UTC)
    assert check_instant(aware, "at") is aware
    with pytest.raises(UsageError, match="at is the naive datetime 2026-01-01 00:00:00, which names no instant; give it a time zone"):
        check_instant(datetime(2026, 1, 1), "at")
    with pytest.raises(UsageError, match="not 5"):
        check_instant(5, "at")
