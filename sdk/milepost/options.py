"""Options of functions and steps: frozen, compared by value, and checked when they are made.

Every time in them is a `timedelta`. Delays are computed here by hash, never by chance, so that a replay and a test see
the same ones.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from milepost.errors import DefinitionError, MilepostError, UsageError
from milepost.narrowing import is_sequence

YEAR: Final = timedelta(days=366)
"""The longest sleep, time-out or delay."""

DEFAULT_RETRIES: Final = 4
DEFAULT_DELAYS: Final = tuple(timedelta(seconds=s) for s in (15, 30, 60, 120, 300, 600, 1_200, 2_400, 3_600, 7_200))
"""Before the first retry, the second, ...; the last one repeats. Inngest's table."""

_MOST_RETRIES = 1_000


def check_duration(
    value: object, what: str, *, minimum: timedelta = timedelta(0), maximum: timedelta = YEAR, error: type[MilepostError] = UsageError
) -> timedelta:
    """The value if it is a timedelta from ``minimum`` to ``maximum``, both included; otherwise raises ``error``, naming ``what``."""
    if not isinstance(value, timedelta):
        hint = f": timedelta(seconds={value})" if type(value) in (int, float) else ""
        raise error(f"{what} is a timedelta, not {value!r} ({type(value).__name__}){hint}")
    if value < minimum:
        raise error(f"{what} is at least {_words(minimum)}, not {value}" if minimum else f"{what} cannot be negative: {value}")
    if value > maximum:
        raise error(f"{what} is at most {_words(maximum)}, not {value}")
    return value


def _words(duration: timedelta) -> str:
    return f"{duration.days} days" if duration.days > 1 and not duration.seconds else str(duration)


def check_instant(value: object, what: str, *, error: type[MilepostError] = UsageError) -> datetime:
    """The value if it is an aware datetime; otherwise raises ``error``, naming ``what`` and how to mend it."""
    if not isinstance(value, datetime):
        raise error(f"{what} is a datetime with a time zone, not {value!r} ({type(value).__name__})")
    if value.utcoffset() is None:
        raise error(
            f"{what} is the naive datetime {value}, which names no instant; give it a time zone: "
            "datetime.now(UTC), or .replace(tzinfo=ZoneInfo('Europe/Paris'))"
        )
    return value


def check_count(
    value: object, what: str, *, minimum: int = 0, maximum: int | None = None, error: type[MilepostError] = DefinitionError
) -> int:
    """The value if it is an int (no bool) in the range; otherwise raises ``error``, naming ``what``."""
    if type(value) is not int:
        raise error(f"{what} is an int, not {value!r} ({type(value).__name__})")
    if value < minimum:
        raise error(f"{what} is at least {minimum}, not {value}")
    if maximum is not None and value > maximum:
        raise error(f"{what} is at most {maximum}, not {value}")
    return value


class Lookback(Enum):
    """How far back a wait looks for an event that came before it, other than by a timedelta."""

    SINCE_TRIGGER = "since trigger"
    """From ten seconds before the run's own event was accepted."""


SINCE_TRIGGER: Final = Lookback.SINCE_TRIGGER


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays that grow: ``first``, ``first * factor``, ``first * factor**2``, ... never more than ``limit``.

    ``first``: 1 ms to a year. ``factor``: at least 1. ``limit``: None for no bound but the year. Raises DefinitionError.
    """

    first: timedelta
    factor: float = 2.0
    limit: timedelta | None = None

    def __post_init__(self) -> None:
        check_duration(self.first, "Backoff(first=)", minimum=timedelta(milliseconds=1), error=DefinitionError)
        if type(self.factor) not in (int, float) or not 1 <= self.factor < float("inf"):
            raise DefinitionError(f"Backoff(factor=) is a number of at least 1, not {self.factor!r}")
        if self.limit is not None:
            check_duration(self.limit, "Backoff(limit=)", minimum=self.first, error=DefinitionError)

    def delay_ms(self, number: int) -> int:
        """The delay before try ``number`` + 1, in milliseconds; 1 is the first delay."""
        most = _ms(self.limit if self.limit is not None else YEAR)
        try:
            return int(min(_ms(self.first) * float(self.factor) ** (number - 1), most))
        except OverflowError:
            return most


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """How often, and when, a step or a body is tried again after it raised.

    ``retries``: after the first attempt, 0 to 1,000. ``delays``: a table whose last entry repeats, or a Backoff; None is
    15 s, 30 s, 1 m, 2 m, 5 m, 10 m, 20 m, 40 m, 1 h, 2 h. ``jitter``: 0 to 1; a delay is made longer by up to this share of
    itself, never shorter. ``give_up_on``: errors that fail at once. Raises DefinitionError.
    """

    retries: int = DEFAULT_RETRIES
    delays: Sequence[timedelta] | Backoff | None = None
    jitter: float = 0.1
    give_up_on: tuple[type[Exception], ...] = ()

    def __post_init__(self) -> None:
        check_count(self.retries, "Retry(retries=)", maximum=_MOST_RETRIES)
        if type(self.jitter) not in (int, float) or not 0 <= self.jitter <= 1:
            raise DefinitionError(f"Retry(jitter=) is a share of the delay from 0 to 1, not {self.jitter!r}")
        object.__setattr__(self, "delays", _checked_delays(self.delays))
        object.__setattr__(self, "give_up_on", _checked_errors(self.give_up_on))

    def delay_ms(self, attempt: int, salt: str) -> int:
        """Milliseconds between the end of failed attempt ``attempt`` (from 1) and the next one.

        The jitter is a hash of the attempt and ``salt`` (run and step), so that a retry computed twice is the same.
        """
        if isinstance(self.delays, Backoff):
            delay = self.delays.delay_ms(attempt)
        else:
            table = self.delays if self.delays is not None else DEFAULT_DELAYS
            delay = _ms(table[min(attempt, len(table)) - 1])
        draw = hashlib.blake2b(f"{attempt}\0{salt}".encode(), digest_size=6).digest()
        return delay + int(delay * self.jitter * int.from_bytes(draw, "big") / 2**48)

    def gives_up_on(self, error: BaseException) -> bool:
        """Whether this error is one of those that are not tried again."""
        return isinstance(error, self.give_up_on)


def _checked_delays(delays: Any) -> tuple[timedelta, ...] | Backoff | None:
    if delays is None or isinstance(delays, Backoff):
        return delays
    if not is_sequence(delays):
        raise DefinitionError(f"Retry(delays=) is a sequence of timedeltas or a Backoff, not {delays!r}: [timedelta(seconds=5)]")
    if not delays:
        raise DefinitionError("Retry(delays=) is empty: give at least one delay, or retries=0 for no retry")
    for place, delay in enumerate(delays):
        check_duration(delay, f"Retry(delays=)[{place}]", error=DefinitionError)
    return tuple(delays)


def _checked_errors(errors: Any) -> tuple[type[Exception], ...]:
    if isinstance(errors, type):
        raise DefinitionError(f"Retry(give_up_on=) is a tuple of exception classes: ({errors.__name__},)")
    for cls in errors:
        if not (isinstance(cls, type) and issubclass(cls, Exception)):
            raise DefinitionError(f"Retry(give_up_on=) holds exception classes, not {cls!r}")
    return tuple(errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """When map, each and invoke_many count as done although items failed; with neither, every failure is allowed.

    Every item is tried. ``min_success``: at least so many must succeed. ``max_failures``: at most so many may fail. As soon as
    one of them cannot hold any more, what is still going on is cancelled and the first failed item's error is raised.
    Raises DefinitionError for a number out of range.
    """

    min_success: int | None = None
    max_failures: int | None = None

    def __post_init__(self) -> None:
        if self.min_success is not None:
            check_count(self.min_success, "Completion(min_success=)", minimum=1)
        if self.max_failures is not None:
            check_count(self.max_failures, "Completion(max_failures=)")
