"""Bugs of the end: everybody who has to hear of it hears of it once, and nothing of the run goes on."""

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import msgspec

from milepost.engine.lifecycle import Move
from milepost.engine.records import Failing, Header, Record
from milepost.engine.worker import Worker
from tests.sim.mutations.planting import Garden, Patch, engine, everywhere, gives, lossless_with

children = engine("children")
completing = engine("completing")
deliver = engine("deliver")
drive = engine("drive")
keys = engine("keys")
lease = engine("lease")
settle = engine("settle")

GARDEN = Garden()
mutant = GARDEN.mutant


@mutant("answers before it has ended", "a child tells its parent how it ends, and commits the end then")
def _settle_first() -> Iterable[Patch]:
    end = drive.Drive._end

    def mutated(self: Any, move: Move, result: Any, error: Failing | None) -> Any:
        if self._header.parent is not None:
            settle.answer(self._worker, self._header, self._header.parent, result, error)
        return end(self, move, result, error)

    return [(drive.Drive, "_end", mutated)]


@mutant("a redelivery does not settle", "a message that finds its run ended is acknowledged, though who ended it may have died")
def _forgotten() -> Iterable[Patch]:
    return everywhere(deliver._ended, gives(deliver.ACK))


@mutant("settled before anybody was told", "the header says settled before handlers are started and children told")
def _settled_first() -> Iterable[Patch]:
    told = settle.settle

    def mutated(worker: Worker, header: Header) -> None:
        if header.settled_at is None and not header.is_unborn:
            now = worker.now()
            lease.settled(worker.ports.table, header, now=now, ttl=worker.ttl(now))
        told(worker, header)

    return everywhere(told, mutated)


@mutant("a parent's answer is overwritten", "a child's answer is put whatever stands there")
def _twice() -> Iterable[Patch]:
    def mutated(worker: Worker, record: Record) -> bool:
        worker.ports.table.put(record.to_item())
        return True

    return everywhere(completing._complete, mutated)


@mutant("a cancelled child has completed", "a child that was cancelled answers with a result")
def _other_status() -> Iterable[Patch]:
    answer = children.answer

    def mutated(worker: Worker, header: Header, parent: Any, result: Any, error: Failing | None) -> None:
        cancelled = error is not None and error.type == children.CANCELLED
        answer(worker, header, parent, result, None if cancelled else error)

    return everywhere(answer, mutated)


@mutant(
    "no tombstone",
    "a cancel that comes before the run is born leaves nothing behind",
    focus=lossless_with(delayed=0.5, delay_ms=120_000),
    focused_on="messages that are late",
)
def _tombstone() -> Iterable[Patch]:
    return everywhere(settle._bury, gives(True))


@mutant("children are left alone", "the end of a run does not cancel the children that it waits for")
def _children() -> Iterable[Patch]:
    return everywhere(children.is_cancellable, gives(False))


@mutant("a child whose time was up is left alone", "a child is not told when its parent has waited long enough")
def _late() -> Iterable[Patch]:
    return everywhere(children.is_let_go, gives(False))


@mutant(
    "children that nobody recorded are left alone",
    "who settles a run whose slice died forgets children it had only started",
    focus=lossless_with(crash_before=0.1, crash_after=0.15),
    focused_on="crashes",
)
def _unrecorded() -> Iterable[Patch]:
    return everywhere(deliver._cancel_unrecorded, gives(None))


_ASKED: ContextVar[str] = ContextVar("asked", default="")


@mutant("handlers have no names", "each time a run is settled its handlers and its undo run get new ids")
def _names() -> Iterable[Patch]:
    start, handler_id = settle._start_handlers, keys.handler_id

    def mutated(worker: Worker, *args: Any) -> None:
        before = _ASKED.set(str(worker.now()))
        start(worker, *args)
        _ASKED.reset(before)

    def named(run: str, role: str) -> Any:
        return handler_id(run + _ASKED.get(), role)

    return [*everywhere(start, mutated), (keys, "handler_id", named)]


@mutant("no undo run", "compensations are not run")
def _no_undo() -> Iterable[Patch]:
    start = settle._start_handlers

    def mutated(worker: Worker, header: Header, _records: list[Record], error: Failing | None) -> None:
        start(worker, header, [], error)

    return everywhere(start, mutated)


@mutant("an undo run for what is completed", "the undo run starts whatever the end was")
def _undo() -> Iterable[Patch]:
    start = settle._start_handlers

    def mutated(worker: Worker, header: Header, records: list[Record], error: Failing | None) -> None:
        if header.status is drive.RunStatus.COMPLETED:
            header = msgspec.structs.replace(header, status=drive.RunStatus.FAILED)
        start(worker, header, records, error)

    return [*everywhere(start, mutated), *everywhere(settle.is_quiet, gives(False))]


@mutant("rows of waits stay", "the rows of waits that are over, or withdrawn, are not deleted at the end")
def _rows() -> Iterable[Patch]:
    return everywhere(settle.forget_waits, gives(None))


@mutant(
    "rows of cancel_on go first",
    "the rows of cancel_on are deleted before the run is settled",
    focus=lossless_with(crash_before=0.06, crash_after=0.06),
    focused_on="crashes",
)
def _cancel_rows() -> Iterable[Patch]:
    told = settle.settle

    def mutated(worker: Worker, header: Header) -> None:
        if header.settled_at is None and not header.is_unborn:
            settle._forget_cancels(worker, header)
        told(worker, header)

    return everywhere(told, mutated)


@mutant("timers stay", "the timer of a run that has ended is not disarmed, and stays in the index of what is due")
def _timers() -> Iterable[Patch]:
    settled = lease.settled

    def mutated(table: Any, header: Header, *, now: int, ttl: int) -> None:
        table.update(header.key, lease.Change(set={"settled_at": now, "ttl": ttl}, remove=lease._LEASE), lease.Present("ended_at"))

    return everywhere(settled, mutated)
