"""Bugs of waits and events: both sides write first and read then, and each event is consumed once."""

from collections.abc import Iterable
from typing import Any

import msgspec

from milepost.engine.records import Record
from milepost.engine.worker import Worker
from tests.sim.mutations.planting import ANYWAY, Garden, Patch, engine, everywhere, gives, lossless_with
from tests.sim.scheduler import START_MS

cancels = engine("cancels")
completing = engine("completing")
journal = engine("journal")
keys = engine("keys")
signals = engine("signals")
waits = engine("waits")

GARDEN = Garden()
mutant = GARDEN.mutant
_Wait = waits.WaitOperation


@mutant("no look-back", "a wait that has written its rows does not look for events that came before")
def _no_look_back() -> Iterable[Patch]:
    look_back, register = _Wait._look_back, _Wait._register

    def registered(self: Any, record: Record) -> None:
        register(self, record)
        self._has_just_begun = True

    def mutated(self: Any, record: Record) -> Any:
        own: dict[str, Any] = self.__dict__
        if own.pop("_has_just_begun", False):
            return None
        return look_back(self, record)

    return [(_Wait, "_register", registered), (_Wait, "_look_back", mutated)]


@mutant(
    "looks back before its row is there",
    "a wait looks for events, then writes its rows",
    focus=lossless_with(slow=0.3, slow_ms=10_000),
    focused_on="slow calls",
)
def _look_back_first() -> Iterable[Patch]:
    look_back, register = _Wait._look_back, _Wait._register

    def registered(self: Any, record: Record) -> None:
        self._found_before = look_back(self, record)
        register(self, record)

    def mutated(self: Any, record: Record) -> Any:
        own: dict[str, Any] = self.__dict__
        if "_found_before" in own:
            return own.pop("_found_before")
        return look_back(self, record)

    return [(_Wait, "_register", registered), (_Wait, "_look_back", mutated)]


@mutant(
    "looks back in the first slice only",
    "rows that a slice died before it wrote are not written by the next",
    focus=lossless_with(crash_before=0.06, crash_after=0.06),
    focused_on="crashes",
)
def _registered() -> Iterable[Patch]:
    register = _Wait._register

    def mutated(self: Any, record: Record) -> None:
        if record.epoch == self.slice.header.epoch:
            register(self, record)

    return [(_Wait, "_register", mutated)]


@mutant("a wait's row before its record", "the rows are written first: nobody knows of them if the worker dies then")
def _row_first() -> Iterable[Patch]:
    begin = journal.Journal.begin

    def mutated(self: Any, record: Record) -> Any:
        if record.kind == "wait":
            _put_rows(self, record)
        return begin(self, record)

    return [(journal.Journal, "begin", mutated)]


def _put_rows(own: Any, record: Record) -> None:
    for index, (_event, found, pk) in enumerate(record.detail["waits"]):
        row = waits.WaitRow(
            pk=pk,
            sk=keys.wait_sk(own._run, waits.wait_name(record.path, index)),
            run=own._run,
            path=record.path,
            group="default",
            index=index,
            keys=found,
            judged_by_slice=True,
            due_at=record.due_at,
            detail=record.detail,
        )
        own._table.put(row.to_item())


@mutant("an event is served before it is logged", "an arriving event looks for waits, then writes its own row")
def _log_last() -> Iterable[Patch]:
    log, deliver_signal = signals._log, signals.deliver_signal
    held: dict[int, Any] = {}

    def later(worker: Worker, event: Any, found: Any) -> None:
        held[id(worker)] = (event, found)

    def mutated(worker: Worker, *args: Any) -> None:
        deliver_signal(worker, *args)
        if (what := held.pop(id(worker), None)) is not None:
            log(worker, *what)

    return [*everywhere(log, later), *everywhere(deliver_signal, mutated)]


@mutant("an event consumed twice", "a wait is given what its run has consumed already")
def _used() -> Iterable[Patch]:
    def mutated(self: Any, record: Record) -> list[str]:
        return [self.slice.header.event_id]

    return [(_Wait, "_used", mutated)]


@mutant("a wait's row is gone before the poke", "an event completes the step, deletes the row, and pokes then")
def _row_gone() -> Iterable[Patch]:
    give, complete = signals._give, signals.complete

    def mutated(worker: Worker, row: Any, event: Any) -> None:
        held: list[tuple[str, str]] = []

        def completed(_worker: Worker, run: str, group: str, record: Record, **_: Any) -> None:
            completing._complete(worker, record)
            held.append((run, group))

        if row.cancels or row.judged_by_slice:
            give(worker, row, event)
            return
        _given(worker, row, event, completed)
        for run, group in held:
            worker.poke(run, group, completed_at=worker.now(), salt=event.id)

    def _given(worker: Worker, row: Any, event: Any, completed: Any) -> None:
        now = worker.now()
        step = keys.step(row.run, row.path)
        record = Record(
            pk=step.pk,
            sk=step.sk,
            kind="wait",
            status="completed",
            value=signals.pack(event.data, worker.ports.blobs, "an event"),
            started_at=row.started_at,
            ended_at=now,
            epoch=row.epoch,
            k=row.k,
            t=row.t,
            detail={**row.detail, "index": row.index, "event": event.id, "at": event.at},
            ttl=worker.ttl(now),
        )
        completed(worker, row.run, row.group, record)
        worker.ports.table.delete(row.key)

    _ = complete
    return everywhere(give, mutated)


@mutant(
    "a poke before the commit",
    "who completes a step pokes its run, and writes the record then",
    focus=lossless_with(slow=0.3, slow_ms=10_000),
    focused_on="slow calls",
)
def _poke_first() -> Iterable[Patch]:
    complete = completing.complete

    def mutated(worker: Worker, run: str, group: str, record: Record, *, salt: str, crowd: bool = False) -> Any:
        worker.poke(run, group, completed_at=worker.now(), crowd=crowd, salt=salt)
        return completing._complete(worker, record)

    return everywhere(complete, mutated)


@mutant("no poke by who comes second", "who finds the step completed does not poke: who completed it may have died before")
def _no_poke() -> Iterable[Patch]:
    complete = completing.complete

    def mutated(worker: Worker, run: str, group: str, record: Record, *, salt: str, crowd: bool = False) -> Any:
        if not completing._complete(worker, record):
            return False
        worker.poke(run, group, completed_at=worker.now(), crowd=crowd, salt=salt)
        return True

    return everywhere(complete, mutated)


@mutant(
    "match and time-out both win",
    "a time-out is recorded whatever stands there",
    focus=lossless_with(slow=0.3, slow_ms=10_000),
    focused_on="slow calls",
)
def _time_out() -> Iterable[Patch]:
    put, put_many = journal.Journal.put, journal.Journal.put_many

    def is_time_out(record: Record) -> bool:
        return record.kind == "wait" and record.is_final and record.detail.get("index") == -1

    def mutated(self: Any, record: Record, only_if: Any = None) -> Any:
        return put(self, record, ANYWAY if is_time_out(record) else only_if)

    def many(self: Any, records: Any, *, begins: bool = False) -> Any:
        if any(map(is_time_out, records)):
            return [self.put(record) for record in records]
        return put_many(self, records, begins=begins)

    return [(journal.Journal, "put", mutated), (journal.Journal, "put_many", many)]


@mutant("events are sorted as text", "the time in an event's sort key, counted from a late beginning, is not padded")
def _unpadded() -> Iterable[Patch]:
    begun = START_MS - 9_000_000  # its seventh digit is full 17 minutes after the play begins

    def event_sk(at_ms: int, sent_at_ms: int, event_id: str) -> str:
        return f"{at_ms - begun}#{sent_at_ms - begun}#{event_id}"

    def event_sk_before(at_ms: int) -> str:
        return f"{max(at_ms - begun, 0)}"

    return [(keys, "event_sk", event_sk), (keys, "event_sk_before", event_sk_before)]


@mutant("cancel_on does not look back", "an event that came before the rows of cancel_on does not cancel")
def _cancel_on() -> Iterable[Patch]:
    return everywhere(cancels._look_back, gives(None))


@mutant("a wait begins anew in each slice", "who comes to a pending wait again waits for its whole time again")
def _anew() -> Iterable[Patch]:
    begin = _Wait.begin

    def mutated(self: Any) -> Any:
        own = self.slice.journal
        record = own.peek(self.path)
        if record is not None and not record.is_final and self.path not in self.slice.registered:
            later = self.slice.worker.now() + self._timeout_ms
            own._records[self.path] = msgspec.structs.replace(record, due_at=later)
        return begin(self)

    return [(_Wait, "begin", mutated)]
