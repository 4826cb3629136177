"""What starts, cancels and wakes runs, as a user writes it: triggers, crons, cancellations, waits and their outcomes.

Checked when made, against the event's class. Whether the class is registered is checked where an app is known.
Without slots: `Trigger[OrderPlaced](...)` sets an attribute, and a frozen class with slots refuses it with another error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from milepost.errors import DefinitionError
from milepost.events.base import CronTick
from milepost.events.filters import check_filter
from milepost.events.types import KeyValue
from milepost.options import check_duration

E_co = TypeVar("E_co", covariant=True)
T_co = TypeVar("T_co", covariant=True)

MAX_JITTER: Final = timedelta(days=1)
"""EventBridge Scheduler's longest flexible window (read 2026-11-22)."""


@dataclass(frozen=True, init=False)
class Trigger(Generic[E_co]):
    """An event with EventBridge content filters on its data: ``Trigger(OrderPlaced, where={"total": [{"numeric": [">", 100]}]})``.

    Raises DefinitionError for a filter of another shape, a field that the event does not have, and an operator that its type cannot meet.
    """

    event: type[E_co]
    where: Mapping[str, Any] | None

    def __init__(self, event: type[E_co], /, *, where: Mapping[str, Any] | None = None) -> None:
        object.__setattr__(self, "event", event)
        object.__setattr__(self, "where", None if where is None else check_filter(event, where))


@dataclass(frozen=True, init=False)
class Cron(Trigger[CronTick]):
    """A schedule: ``Cron("0 9 * * MON-FRI", tz="Europe/Paris")``. The event is a CronTick.

    ``expression``: five fields: minute, hour, day of month, month, day of week. ``tz``: an IANA name. ``jitter``: up to a
    day, spreads the start. After downtime the last missed tick runs once. Raises DefinitionError for a cron that cannot be.
    """

    expression: str
    tz: str
    jitter: timedelta

    def __init__(self, expression: str, /, *, tz: str = "UTC", jitter: timedelta = timedelta(0)) -> None:
        super().__init__(CronTick)
        check_duration(jitter, "Cron(jitter=)", maximum=MAX_JITTER, error=DefinitionError)
        object.__setattr__(self, "expression", _five_fields(expression))
        object.__setattr__(self, "tz", tz)
        object.__setattr__(self, "jitter", jitter)
        self._check()

    def _check(self) -> None:
        from cronsim import CronSimError  # here: most apps have no cron

        try:
            self.next_after(datetime(2024, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise DefinitionError(f"Cron({self.expression!r}): {error}; {_FIELDS}") from error
        except StopIteration as error:
            raise DefinitionError(f"Cron({self.expression!r}): there is no such day: it would never fire") from error

    def next_after(self, instant: datetime) -> datetime:
        """The first tick after an aware instant, in the cron's time zone."""
        return self._tick(instant, reverse=False)

    def last_before(self, instant: datetime) -> datetime:
        """The last tick before an aware instant, in the cron's time zone."""
        return self._tick(instant, reverse=True)

    def _tick(self, instant: datetime, *, reverse: bool) -> datetime:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        from cronsim import CronSim

        try:
            zone = ZoneInfo(self.tz)
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
            raise DefinitionError(f"Cron(tz={self.tz!r}): no such time zone; give an IANA name such as 'Europe/Paris'") from error
        tick: datetime = next(CronSim(self.expression, instant.astimezone(zone), reverse=reverse))
        return tick


_FIELDS = "five fields are needed: minute, hour, day of month, month, day of week"


def _five_fields(expression: object) -> str:
    fields = expression.split() if isinstance(expression, str) else []
    if len(fields) != 5:
        raise DefinitionError(f"Cron({expression!r}): {_FIELDS}")
    return " ".join(fields)


@dataclass(frozen=True, init=False)
class CancelOn(Generic[E_co]):
    """Cancel the run when this event comes: ``CancelOn(OrderCancelled, match={"order_id": "order.id"}, within=timedelta(days=1))``.

    ``match`` maps every key of the event to a field path of the function's own event; None means fields of the same names.
    ``within`` counts from the trigger; None means as long as the run lives. Raises DefinitionError.
    """

    event: type[E_co]
    match: Mapping[str, str] | None
    within: timedelta | None

    def __init__(self, event: type[E_co], /, *, match: Mapping[str, str] | None = None, within: timedelta | None = None) -> None:
        if within is not None:
            check_duration(within, "CancelOn(within=)", minimum=timedelta(milliseconds=1), error=DefinitionError)
        object.__setattr__(self, "event", event)
        object.__setattr__(self, "match", None if match is None else dict(match))
        object.__setattr__(self, "within", within)


@dataclass(frozen=True, init=False)
class WaitFor(Generic[E_co]):
    """One of the events of `Step.wait_for_any`: its class, at least one declared key, and a predicate if those are not enough."""

    event: type[E_co]
    where: Callable[[E_co], bool] | None
    keys: Mapping[str, KeyValue]

    def __init__(self, event: type[E_co], /, *, where: Callable[[E_co], bool] | None = None, **keys: KeyValue) -> None:
        object.__setattr__(self, "event", event)
        object.__setattr__(self, "where", where)
        object.__setattr__(self, "keys", keys)


@dataclass(frozen=True)
class Matched(Generic[T_co]):
    """What wait_for_any found."""

    index: int
    """Of the WaitFor, from 0."""
    event: T_co


@dataclass(frozen=True)
class Won(Generic[T_co]):
    """The first branch of a race to succeed."""

    index: int
    """Of the branch, from 0."""
    value: T_co
