"""The timers port on SQS delays, up to 15 minutes ahead, and beyond on one-time schedules of EventBridge Scheduler.

A schedule fires within the minute after its time and knows no seconds, so it is made for a minute earlier, and what it sends is a
`messages.Delayed`, which the engine sends on with the rest as a delay. So a message is never early, and late by less than a second::

    arm ───────────────── due - 60 s ──── the schedule fires ──── due ── the message is delivered
                               └── within 59 s: a Delayed ──┘ rest as SQS delay ┘

Owns the one-time schedules of the deployment's group: each goes when it has fired, or when it is disarmed.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import msgspec

from milepost.aws.clients import Clients
from milepost.aws.failures import Asked, AwsError, Meaning
from milepost.aws.queue import queue_arn
from milepost.contract import Names
from milepost.engine import keys
from milepost.engine.messages import Delayed, encode
from milepost.engine.ports import MAX_DELAY_MS, Clock, Outgoing, Queue

EARLY_MS: Final = 60_000
"""A schedule has the precision of a minute: it fires from its time to 59 s after (user guide, "Schedule types", read 2026-11-22)."""
FURTHEST_MS: Final = 400 * 86_400_000
"""A year and a margin (ports.py): nothing of ours lies further ahead, so a time that does is a mistake."""
MOST_BYTES: Final = 256 * 1024
"""Of a target's input (Scheduler quotas, read 2026-11-22). What the engine arms is smaller: `parcels.PARCEL_BYTES`."""

_RETRIES: Final = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185}


class SchedulerTimers:
    """`Timers` of ports.py. A name armed already is kept when its schedule is there still, and armed twice as an SQS delay."""

    def __init__(self, clients: Clients, names: Names, queue: Queue, clock: Clock) -> None:
        self._clients = clients
        self._names = names
        self._queue = queue
        self._clock = clock

    def arm(self, name: str, due_at_ms: int, message: Outgoing) -> None:
        """One request. Raises ValueError for a time over a year ahead, or a message over 256 KB beyond the reach of a delay,
        ConfigurationError for a worker group without a queue, AwsError.
        """
        now = self._clock.now_ms()
        delay_ms = max(due_at_ms - now, 0)
        if delay_ms <= MAX_DELAY_MS:
            self._queue.send([msgspec.structs.replace(message, delay_ms=delay_ms)])
            return
        if delay_ms > FURTHEST_MS:
            raise ValueError(f"a timer {delay_ms // 86_400_000:,} days ahead: a year is the furthest")
        schedule = self._schedule(name, due_at_ms, message, now)
        try:
            self._clients.attempts.call(
                self._asked("scheduler:CreateSchedule"), partial(self._clients.scheduler.create_schedule, **schedule)
            )
        except AwsError as error:
            if error.code != "ConflictException":  # there already: this name and time are armed
                raise

    def disarm(self, name: str) -> None:
        """One request, also for a timer that was an SQS delay: nothing here says which it was (decisions.md). Raises AwsError."""
        delete = partial(self._clients.scheduler.delete_schedule, GroupName=self._names.schedule_group, Name=schedule_name(name))
        try:
            self._clients.attempts.call(self._asked("scheduler:DeleteSchedule"), delete)
        except AwsError as error:
            if error.meaning is not Meaning.MISSING:
                raise

    def _schedule(self, name: str, due_at_ms: int, message: Outgoing, now_ms: int) -> dict[str, Any]:
        """The arguments of CreateSchedule, right by themselves: an emulator would take any."""
        body = encode(Delayed(due_at=due_at_ms, body=message.body))
        size = len(body.encode())
        if size > MOST_BYTES:
            raise ValueError(f"a timer's message of {size:,} bytes: {MOST_BYTES:,} are the most that a schedule takes")
        target: dict[str, Any] = {
            "Arn": queue_arn(self._names, message.group),
            "RoleArn": self._names.schedule_role,
            "Input": body,
            "RetryPolicy": _RETRIES,
        }
        dead_letters = self._names.dead_letters.get(message.group)
        if dead_letters is not None:
            target["DeadLetterConfig"] = {"Arn": dead_letters}
        return {
            "GroupName": self._names.schedule_group,
            "Name": schedule_name(name),
            "ClientToken": keys.digest("armed", name, str(now_ms)),  # the tries of one call; a name may be armed again after it was deleted
            "ScheduleExpression": f"at({datetime.fromtimestamp((due_at_ms - EARLY_MS) // 1000, UTC):%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": target,
        }

    def _asked(self, action: str) -> Asked:
        return Asked(action=action, resource=f"schedule group '{self._names.schedule_group}'", region=self._clients.region)


def schedule_name(name: str) -> str:
    """The schedule of a timer, whatever its name: of letters and digits, at most 64 (API reference of CreateSchedule)."""
    return keys.digest("schedule", name)
