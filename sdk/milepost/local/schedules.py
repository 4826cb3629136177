"""Crons on one machine: what EventBridge Scheduler does on AWS. The last instant fired is kept; after downtime the last
missed one runs once.
"""

from datetime import datetime, timedelta

import msgspec

from milepost.codec import encode
from milepost.engine import keys
from milepost.engine.messages import Start
from milepost.engine.messages import encode as encode_message
from milepost.engine.ports import Outgoing
from milepost.engine.worker import Worker
from milepost.events import CRON_TICK, Cron, CronTick
from milepost.functions import FunctionDefinition
from milepost.timestamps import duration_ms, instant, milliseconds


class _Schedule(msgspec.Struct):
    function: FunctionDefinition
    cron: Cron
    since: datetime
    """Ticks after this are still to fire."""
    last: datetime | None
    next_at: int


class Schedules:
    """The crons of an app. Not for several threads."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._schedules = [
            self._known(function, trigger.cron)
            for function in worker.definitions.functions.values()
            for trigger in function.triggers
            if trigger.cron is not None
        ]

    def next_at(self) -> int | None:
        """When the next tick is due, in epoch milliseconds."""
        return min((schedule.next_at for schedule in self._schedules), default=None)

    def fire(self) -> None:
        """Start what is due; of several missed ticks of one cron the last."""
        now = self._worker.now()
        for schedule in self._schedules:
            if schedule.next_at <= now:
                self._tick(schedule, schedule.cron.last_before(instant(now) + timedelta(milliseconds=1)))

    def _known(self, function: FunctionDefinition, cron: Cron) -> _Schedule:
        key = keys.cron_row(function.name, cron.expression, cron.tz)
        item = self._worker.ports.table.get(key)
        now = self._worker.now()
        if item is None:
            item = {"pk": key.pk, "sk": key.sk, "v": 1, "since": now}
            self._worker.ports.table.put(item)
        last = item.get("last")
        since = instant(int(last if last is not None else item["since"]))
        return _Schedule(function, cron, since, None if last is None else since, milliseconds(cron.next_after(since)))

    def _tick(self, schedule: _Schedule, tick: datetime) -> None:
        """Sent first, noted then: a crash in between fires it again under the same id."""
        worker, function, cron = self._worker, schedule.function, schedule.cron
        at = milliseconds(tick)
        event_id = keys.tick_id(function.name, cron.expression, cron.tz, at)
        previous = None if schedule.last is None else schedule.last.astimezone(tick.tzinfo)
        start = Start(
            run=keys.run_id(function.name, CRON_TICK.name, event_id),
            function=function.name,
            data=encode(CronTick(scheduled_at=tick, previous_at=previous), "the tick").decode(),
            event_name=CRON_TICK.name,
            event_id=event_id,
            event_at=at,
            event_source="milepost.cron",
        )
        due_at = at + int(duration_ms(cron.jitter) * keys.fraction(event_id))
        worker.ports.timers.arm(event_id, due_at, Outgoing(group=function.worker, body=encode_message(start)))
        key = keys.cron_row(function.name, cron.expression, cron.tz)
        worker.ports.table.put({"pk": key.pk, "sk": key.sk, "v": 1, "since": at, "last": at})
        schedule.since = schedule.last = tick
        schedule.next_at = milliseconds(cron.next_after(tick))
