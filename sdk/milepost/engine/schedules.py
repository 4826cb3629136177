"""Crons, on ports alone: which ticks of an app are due, and the starts that they send.

    the loop of a state file     fire()                   sends what is due; keeps one of these for as long as it lives
    the sweeper, each minute     fire_until(now + 60 s)   sends the ticks of the next minute ahead, which come on the second;
                                                          reads its rows anew each time, for another may have fired since

A tick's id follows from function, cron and instant, so its run is the same whoever sends it, and how often. The last tick that
was sent is kept; after downtime the last missed one runs once.
"""

from datetime import datetime, timedelta

import msgspec

from milepost.codec import encode
from milepost.engine import keys
from milepost.engine.messages import Start
from milepost.engine.messages import encode as encode_message
from milepost.engine.ports import Absent, ConditionFailed, Item, LessThan, Or, Outgoing
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

    def fire(self) -> int:
        """Start what is due, and return how many ticks that were; of several missed ticks of one cron the last."""
        return self.fire_until(self._worker.now())

    def fire_until(self, until_ms: int) -> int:
        """The same, and start the ticks up to then at their own times: messages that wait. ``until_ms``: epoch milliseconds."""
        now = self._worker.now()
        fired = 0
        for schedule in self._schedules:
            if schedule.next_at <= now:
                self._tick(schedule, schedule.cron.last_before(instant(now) + timedelta(milliseconds=1)))
                fired += 1
            while schedule.next_at <= until_ms:
                self._tick(schedule, schedule.cron.next_after(schedule.since))
                fired += 1
        return fired

    def _known(self, function: FunctionDefinition, cron: Cron) -> _Schedule:
        item = self._row(function, cron)
        last = item.get("last")
        since = instant(int(last if last is not None else item["since"]))
        return _Schedule(function, cron, since, None if last is None else since, milliseconds(cron.next_after(since)))

    def _row(self, function: FunctionDefinition, cron: Cron) -> Item:
        """What is kept of the cron; of a new one, that it counts from now on."""
        key = keys.cron_row(function.name, cron.expression, cron.tz)
        item = self._worker.ports.table.get(key)
        if item is not None:
            return item
        item = {"pk": key.pk, "sk": key.sk, "v": 1, "since": self._worker.now()}
        try:
            self._worker.ports.table.put(item, Absent())
        except ConditionFailed as lost:  # another worker has met it first
            return lost.item or item
        return item

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
        self._note(schedule, at)
        schedule.since = schedule.last = tick
        schedule.next_at = milliseconds(cron.next_after(tick))

    def _note(self, schedule: _Schedule, at: int) -> None:
        key = keys.cron_row(schedule.function.name, schedule.cron.expression, schedule.cron.tz)
        try:
            self._worker.ports.table.put(
                {"pk": key.pk, "sk": key.sk, "v": 1, "since": at, "last": at}, Or((Absent("last"), LessThan("last", at)))
            )
        except ConditionFailed as lost:  # another has sent this tick too, or gone on further
            self._worker.log.debug("a tick was sent twice: it has one run", function=schedule.function.name, at=at, stands=lost.item)
