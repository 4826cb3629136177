"""Times and durations in words."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from milepost.dev.words import clock, compact, relative, shorten, span, until

NOW = datetime(2026, 6, 10, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(milliseconds=12), "12 ms"),
        (timedelta(seconds=1.25), "1.2 s"),
        (timedelta(seconds=3), "3 s"),
        (timedelta(minutes=4, seconds=10), "4 m 10 s"),
        (timedelta(hours=3), "3 h"),
        (timedelta(days=2, hours=5, minutes=59), "2 d 5 h"),
        (timedelta(seconds=-1), "0 ms"),
    ],
)
def test_durations(duration: timedelta, words: str) -> None:
    assert span(duration) == words


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(milliseconds=300), "at once"),
        (timedelta(seconds=-90), "90 s ago"),
        (timedelta(minutes=5), "in 5 m"),
        (timedelta(minutes=119, seconds=58), "in 2 h"),
        (timedelta(days=-3), "3 d ago"),
    ],
)
def test_how_far_off(away: timedelta, words: str) -> None:
    assert relative(NOW + away, NOW) == words


@pytest.mark.parametrize(
    ("away", "words"),
    [(timedelta(0), "14:00:00"), (timedelta(hours=11), "Thu 01:00"), (timedelta(days=7), "2026-06-17 14:00")],
)
def test_times_are_local_and_as_short_as_they_stay_clear(away: timedelta, words: str) -> None:
    assert clock(NOW + away, NOW) == words


def test_a_time_to_come_says_how_far_off_it_is() -> None:
    assert until(NOW + timedelta(minutes=5), NOW) == "14:05:00 (in 5 m)"
    assert until(NOW + timedelta(milliseconds=10), NOW) == "14:00:00"


def test_values_fit_on_a_line() -> None:
    assert compact('{"a":  [1,\n2]}', 40) == '{"a": [1, 2]}'
    assert compact('{"text": "' + "x" * 100 + '"}', 20) == '{"text": "xxxxxxxxx…'
    assert shorten("two\n  words", 20) == "two words"
