"""One-time schedules of EventBridge Scheduler, which moto keeps and never fires: they fire when our clock says so.

AWS fires a schedule at some moment of the minute that begins at its time. Here it is the first moment, so that a test takes the
same path every time, or one so many milliseconds later: whoever relies on the moment is found by moving it. What AWS refuses to
create, and moto accepts, is refused.
"""

import re
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, scheduler_backends
from moto.sqs.models import sqs_backends

from milepost.engine.ports import Clock
from milepost.testing.moto.replacing import replaced
from milepost.timestamps import milliseconds

LATEST_MS: Final = 59_999
"""How late AWS may fire: within the minute of its precision (user guide, "Schedule types", read 2026-11-22)."""
MOST_INPUT: Final = 256 * 1024

_AT: Final = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)")
_OTHER: Final = re.compile(r"(rate|cron)\(.+\)")
_NAME: Final = re.compile(r"[0-9A-Za-z_.-]{1,64}")


@contextmanager
def schedules_checked(clock: Clock) -> Generator[None, None, None]:
    """Within it CreateSchedule refuses what AWS refuses."""
    create = EventBridgeSchedulerBackend.create_schedule

    def checked(backend: EventBridgeSchedulerBackend, **asked: Any) -> Schedule:
        wrong = _problem(asked, clock.now_ms())
        if wrong is not None:
            raise ValidationException(wrong)
        return create(backend, **asked)

    with replaced(EventBridgeSchedulerBackend, "create_schedule", checked):
        yield


def _problem(asked: dict[str, Any], now_ms: int) -> str | None:
    name, expression = asked["name"], asked["schedule_expression"] or ""
    target: Mapping[str, Any] = asked["target"] or {}
    if _NAME.fullmatch(name) is None:
        return f"Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: {_NAME.pattern}"
    if _OTHER.fullmatch(expression) is None:
        at = _read(expression, asked["schedule_expression_timezone"])
        if at is None:
            return f"Invalid Schedule Expression {expression}."
        if at + LATEST_MS < now_ms:
            return f"The time of {expression} has passed."
    if len((target.get("Input") or "").encode()) > MOST_INPUT:
        return f"Value at 'target.input' failed to satisfy constraint: Member must have length less than or equal to {MOST_INPUT}"
    return None


@lru_cache(maxsize=4_096)
def _read(expression: str, zone: str | None) -> int | None:
    """The time of `at(...)`, in epoch milliseconds; None for what is no such expression."""
    match = _AT.fullmatch(expression)
    if match is None:
        return None
    try:
        return milliseconds(datetime.fromisoformat(match[1]).replace(tzinfo=ZoneInfo(zone or "UTC")))
    except (ValueError, KeyError):
        return None


class OneTime:
    """The one-time schedules of an account and region. ``late_ms``: how long after its time each fires, 0 to LATEST_MS."""

    def __init__(self, account: str, region: str, *, late_ms: int = 0) -> None:
        if not 0 <= late_ms <= LATEST_MS:
            raise ValueError(f"a schedule fires 0 to {LATEST_MS} ms after its time, not {late_ms}")
        self._account = account
        self._region = region
        self._late_ms = late_ms
        self._fired: set[int] = set()
        """Those that stay when they have fired: by their objects' ids."""

    def next_at(self) -> int | None:
        """When the next one fires, in epoch milliseconds."""
        return min((at for at, _ in self._pending()), default=None)

    def fire(self, now_ms: int) -> int:
        """Fire those that are due, in the order of their times; how many there were."""
        due = sorted(((at, schedule) for at, schedule in self._pending() if at <= now_ms), key=lambda one: one[0])
        for _, schedule in due:
            self._fire(schedule)
        return len(due)

    def _pending(self) -> Iterator[tuple[int, Schedule]]:
        for group in self._backend.schedule_groups.values():
            for schedule in _schedules_of(group):
                at = _read(schedule.schedule_expression, schedule.schedule_expression_timezone)
                if at is not None and schedule.state == "ENABLED" and id(schedule) not in self._fired:
                    yield at + self._late_ms, schedule

    def _fire(self, schedule: Schedule) -> None:
        _, _, service, region, account, name = schedule.target["Arn"].split(":", 5)
        queues = sqs_backends[account][region] if service == "sqs" else None
        if queues is not None and name in queues.queues:
            queues.send_message(queue_name=name, message_body=schedule.target.get("Input") or "{}")
        if schedule.action_after_completion == "DELETE":
            self._backend.delete_schedule(schedule.group_name, schedule.name)
        else:
            self._fired.add(id(schedule))

    @property
    def _backend(self) -> EventBridgeSchedulerBackend:
        return scheduler_backends[self._account][self._region]


def _schedules_of(group: Any) -> Iterable[Schedule]:
    """Any: that of moto's base class hides them from type checkers."""
    found: Iterable[Schedule] = group.schedules.values()
    return found
