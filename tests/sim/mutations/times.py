"""Bugs of timers, sleeps, retries and the sweeper."""

from collections.abc import Iterable
from typing import Any

import msgspec

from milepost.engine.messages import TimerDue
from milepost.engine.ports import DUE, Key
from milepost.engine.records import Header
from milepost.engine.worker import Worker
from tests.sim.mutations.planting import Garden, Patch, engine, everywhere, gives, rates
from tests.sim.mutations.workloads import timers_beside_slices

deliver = engine("deliver")
drive = engine("drive")
keys = engine("keys")
lease = engine("lease")
running = engine("running")
sleeping = engine("sleeping")
sweep = engine("sweep")

GARDEN = Garden()
mutant = GARDEN.mutant


@mutant("arms after it suspends", "the timer is armed when the lease is gone: a crash between the two loses it")
def _after() -> Iterable[Patch]:
    arm, suspend = drive.Drive._arm, drive.Drive._suspend

    def mutated(self: Any, *args: Any) -> Any:
        later: list[int | None] = []

        def note(earliest: int | None) -> int | None:
            later.append(earliest)
            return earliest

        self._arm = note
        done = suspend(self, *args)
        del self._arm
        if done and later:
            arm(self, later[-1])
        return done

    return [(drive.Drive, "_suspend", mutated)]


@mutant("arms in the first slice only", "a slice after the first suspension arms no timer")
def _first() -> Iterable[Patch]:
    arm = drive.Drive._arm

    def mutated(self: Any, earliest: int | None) -> int | None:
        return earliest if self._header.covered else arm(self, earliest)

    return [(drive.Drive, "_arm", mutated)]


@mutant("consumes an early timer", "a timer that comes before its time by this clock is acknowledged")
def _early() -> Iterable[Patch]:
    timer = deliver._timer

    def mutated(received: Any, worker: Worker, deadline_ms: int, message: TimerDue) -> Any:
        return deliver.ACK if worker.now() < message.due_at else timer(received, worker, deadline_ms, message)

    return everywhere(timer, mutated)


@mutant("takes an early timer for a poke", "a timer that comes before its time wakes the run, and is done")
def _early_poke() -> Iterable[Patch]:
    timer = deliver._timer

    def mutated(received: Any, worker: Worker, deadline_ms: int, message: TimerDue) -> Any:
        if worker.now() < message.due_at:
            return deliver._visit(received, worker, deadline_ms, message.run)
        return timer(received, worker, deadline_ms, message)

    return everywhere(timer, mutated)


@mutant(
    "forgets the run's clock",
    "what one worker has judged due is judged anew by the next, whose clock may be slow",
    focus=timers_beside_slices(skew_ms=5_000, slow=0.3, slow_ms=4_000, concurrency=8),
    focused_on="sleeps that end beside events, clocks that differ, slow calls",
)
def _clock() -> Iterable[Patch]:
    def mutated(self: Any, due_at: int) -> bool:
        return bool(due_at <= self.worker.now())

    return [(drive.Slice, "is_due", mutated)]


@mutant(
    "a bump says nothing of the time",
    "a timer that meets a holder leaves word, but not when it was due",
    focus=timers_beside_slices(skew_ms=5_000, slow=0.3, slow_ms=4_000, concurrency=8),
    focused_on="sleeps that end beside events, clocks that differ, slow calls",
)
def _bump() -> Iterable[Patch]:
    bump = lease.bump

    def mutated(table: Any, header: Header, *, now: int) -> None:
        bump(table, header, now=0)

    return everywhere(bump, mutated)


@mutant("sleeps a minute less", "a sleep is over a minute before its time")
def _soon() -> Iterable[Patch]:
    begin = sleeping.SleepOperation.begin

    def mutated(self: Any) -> Any:
        record = self.slice.journal.peek(self.path)
        if record is not None and (record.due_at or 0) - 60_000 <= self.slice.worker.now():
            return sleeping.Done(None)
        return begin(self)

    return [(sleeping.SleepOperation, "begin", mutated)]


@mutant("retries are counted in each slice anew", "the attempts that slices before have made do not count")
def _attempts() -> Iterable[Patch]:
    begin = running.RunOperation.begin

    def mutated(self: Any) -> Any:
        record = self.slice.journal.peek(self.path)
        if record is not None and not record.is_final and record.attempts and self.path not in self.slice.journal.written:
            self.slice.journal._records[self.path] = msgspec.structs.replace(record, attempts=0)
        return begin(self)

    return [(running.RunOperation, "begin", mutated)]


@mutant("the body's attempts are not counted", "a suspension forgets how often the body has failed")
def _body_attempts() -> Iterable[Patch]:
    suspend = lease.suspend

    def mutated(table: Any, header: Any, rest: Any, *, seen: int) -> None:
        suspend(table, header, msgspec.structs.replace(rest, attempt=1), seen=seen)

    return everywhere(suspend, mutated)


@mutant("the sweeper is blind", "the sweeper does not look at runs that are overdue")
def _blind() -> Iterable[Patch]:
    return everywhere(sweep._overdue, gives(None))


@mutant(
    "the sweeper revives",
    "the sweeper trusts its index: it sets what that shows as overdue to waiting, and pokes it",
    focus=rates(index_lag_ms=30_000, sweeper=True),
    focused_on="an index that lags by up to 30 s",
)
def _revive() -> Iterable[Patch]:
    def mutated(worker: Worker, number: int, found: Any) -> None:
        before = worker.now() - worker.settings.overdue_ms
        page = worker.ports.table.query_index(DUE, keys.due_shard(number), before=before, limit=1_000)
        for item in page.items:
            header = Header.from_item(item)
            waiting = drive.RunStatus.WAITING.value
            if not header.is_leased(worker.now()):
                worker.ports.table.update(Key(header.pk, "run"), lease.Change(set={"status": waiting}))
                worker.poke(header.run, header.group)
                found.overdue += 1

    return everywhere(sweep._overdue, mutated)


@mutant("pokes are dropped too soon", "a poke is dropped if the run was read up to 10 s before what it tells of")
def _obsolete() -> Iterable[Patch]:
    acquire = lease.acquire

    def mutated(table: Any, run: str, claim: Any, *, not_after: int | None = None) -> Any:
        return acquire(table, run, claim, not_after=None if not_after is None else not_after - 20_000)

    return everywhere(acquire, mutated)


@mutant("pokes are dropped without a margin", "a poke is dropped by the clocks as they are, as if all were the same")
def _margin() -> Iterable[Patch]:
    acquire = lease.acquire

    def mutated(table: Any, run: str, claim: Any, *, not_after: int | None = None) -> Any:
        return acquire(table, run, claim, not_after=None if not_after is None else not_after - 10_000)

    return everywhere(acquire, mutated)
