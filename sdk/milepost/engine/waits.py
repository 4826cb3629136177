"""Waiting for events: the wait a body makes, and what an arriving event does.

    the run      pending step ──▶ wait row ──▶ look-back (strong) ──▶ suspend
    the event    event row ──▶ find wait rows (strong) ──▶ step done ──▶ poke, also when that failed ──▶ delete wait row

Both sides write first and read then, so at least one sees the other, and put-once lets exactly one win. A wait ignores
events that its run had consumed when it began; waits that are pending at the same time each get the event.
A wait with a predicate is only poked for: the slice reads the event rows and judges. Model-checked: protocols.md M2.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from milepost.engine import keys
from milepost.engine.interrupts import Abandoned
from milepost.engine.journal import completed
from milepost.engine.operations import Commit, Done, Parked, State, WithoutWork
from milepost.engine.ports import Delete, Key, Put, Write
from milepost.engine.records import EventRow, Kind, Record, WaitRow
from milepost.engine.slice import Pending, Slice
from milepost.events import EventType, KeyValue, canonical_key

_UNREGISTERED = "unregistered"
"""In the detail of a record: nobody knows whether its rows were written."""
USED_LIMIT = 50
"""Ids of consumed events that a wait row lists; a run with more judges for itself."""


class Awaited(msgspec.Struct, frozen=True):
    """One event of a wait."""

    event: EventType[Any]
    keys: dict[str, KeyValue]
    where: Callable[[Any], bool] | None = None

    @property
    def first(self) -> tuple[str, KeyValue]:
        """The first declared key that was given: the wait lives under it."""
        return next((name, self.keys[name]) for name in self.event.keys if name in self.keys)

    @property
    def wait_pk(self) -> str:
        return keys.wait_pk(self.event.name, *self.first)

    @property
    def event_pk(self) -> str:
        return keys.event_pk(self.event.name, *self.first)


def matches(wanted: Mapping[str, KeyValue], found: Mapping[str, KeyValue]) -> bool:
    """Every key is there and equal, type and value."""
    return all(name in found and canonical_key(found[name]) == canonical_key(value) for name, value in wanted.items())


class WaitOperation(WithoutWork):
    """step.wait_for_event and wait_for_any: at most four writes and two queries, none while it waits."""

    kind: Kind = "wait"

    def __init__(self, slice_: Slice, path: str, awaited: Sequence[Awaited], *, timeout_ms: int, lookback_ms: int | None) -> None:
        self.slice = slice_
        self.path = path
        self._awaited = awaited
        self._timeout_ms = timeout_ms
        self._lookback_ms = lookback_ms

    def begin(self) -> State:
        record = self.slice.journal.get(self.path)
        if record is not None:
            self.slice.expect(record, self.kind)
            if record.is_final:
                return self._final(record)
        recorded = record is not None
        if record is None:
            record = self._new()
        if self.slice.frozen:
            return Parked(Pending(record=record, recorded=recorded))
        if not recorded:  # before its rows: whoever ends the run, or the branch, must know of them; and what it has met beside it
            record = self.slice.journal.begin(record)
            if record.status == "cancelled":
                self.slice.refuse_cancelled(self.path)
            self.slice.check_branch(self.path)
            if record.is_final:
                return self._final(record)
        if self.path not in self.slice.registered and (record.epoch > self.slice.header.covered or _UNREGISTERED in record.detail):
            self._register(record)
            found = self._look_back(record)
        elif self._judges(record) or self.slice.is_due(record.due_at or 0):
            found = self._look_back(record)
        else:
            found = None
        if found is not None:
            return self._complete(record, *found)
        if self.slice.is_due(record.due_at or 0):
            return self._complete(record, -1, None)
        return Parked(Pending(record=record, recorded=True))

    @property
    def _has_predicate(self) -> bool:
        return any(awaited.where is not None for awaited in self._awaited)

    def _judges(self, record: Record) -> bool:
        return self._has_predicate or len(self._used(record)) > USED_LIMIT

    def _new(self) -> Record:
        now = self.slice.now()
        header, settings = self.slice.header, self.slice.worker.settings
        since = now - self._lookback_ms if self._lookback_ms is not None else header.event_at - settings.lookback_slack_ms
        spec = [[awaited.event.name, awaited.keys, awaited.wait_pk] for awaited in self._awaited]
        detail: dict[str, Any] = {"waits": spec, "since": since}
        record = self.slice.journal.record(self.path, self.kind, now)
        record = msgspec.structs.replace(record, due_at=now + self._timeout_ms, detail=detail)
        if beside := self.slice.begin_wait(record, self._meets):
            detail["beside"] = beside
        return record

    def _meets(self, other: Record) -> bool:
        """One event can be for this wait and for the other."""
        return any(
            awaited.event.name == name and all(other_keys.get(key, value) == value for key, value in awaited.keys.items())
            for awaited in self._awaited
            for name, other_keys, _pk in other.detail["waits"]
        )

    def _used(self, record: Record) -> list[str]:
        """Ids of the events that the run had consumed when the wait began. What a wait that was pending then, or that began
        later, has got is not among them.
        """
        beside = set(record.detail.get("beside", ()))
        used = {self.slice.header.event_id}
        for other in self.slice.journal.waits():
            if other.status != "completed" or "event" not in other.detail:
                continue
            if other.path not in beside and (other.epoch, other.k) < (record.epoch, record.k):
                used.add(other.detail["event"])
        return sorted(used)

    def _register(self, record: Record) -> None:
        """Wait rows first: an event that arrives from now on finds them."""
        used = self._used(record)
        judged = self._judges(record)
        header = self.slice.header
        rows: list[Write] = [
            Put(
                WaitRow(
                    pk=awaited.wait_pk,
                    sk=keys.wait_sk(header.run, wait_name(self.path, index)),
                    run=header.run,
                    path=self.path,
                    group=header.group,
                    index=index,
                    keys=awaited.keys,
                    used=[] if judged else used,
                    judged_by_slice=judged,
                    detail=record.detail,
                    started_at=record.started_at,
                    due_at=record.due_at,
                    epoch=record.epoch,
                    k=record.k,
                    t=record.t,
                    ttl=self.slice.worker.ttl(record.due_at or record.started_at),
                ).to_item()
            )
            for index, awaited in enumerate(self._awaited)
        ]
        self.slice.check_branch(self.path)
        self.slice.worker.ports.table.write_many(rows)
        self.slice.registered.add(self.path)
        try:
            self.slice.check_branch(self.path)
        except Abandoned:  # it lost meanwhile: who decided that may have deleted the rows before they were there
            forget(self.slice, record)
            raise

    def _look_back(self, record: Record) -> tuple[int, EventRow] | None:
        """The oldest event that fits and that the run has not consumed."""
        used = set(self._used(record))
        since = int(record.detail["since"])
        until = record.due_at or 0
        best: tuple[int, EventRow] | None = None
        for index, awaited in enumerate(self._awaited):
            row = self._first(awaited, since, until, used)
            if row is not None and (best is None or row.sk < best[1].sk):
                best = (index, row)
        return best

    def _first(self, awaited: Awaited, since: int, until: int, used: set[str]) -> EventRow | None:
        after: str | None = keys.event_sk_before(since)
        while True:
            page = self.slice.worker.ports.table.query(awaited.event_pk, after=after, limit=100)
            for item in page.items:
                row = EventRow.from_item(item)
                if row.at > until:
                    return None
                if row.id not in used and self._fits(awaited, self.slice.unpack(row.data)):
                    return row
            after = page.next
            if after is None:
                return None

    def _fits(self, awaited: Awaited, data: str) -> bool:
        if not matches(awaited.keys, awaited.event.key_values(data)):
            return False
        return awaited.where is None or bool(awaited.where(awaited.event.decode(data)))

    def _complete(self, record: Record, index: int, row: EventRow | None) -> State:
        """An event, or the time-out; whoever was faster has the word."""
        detail = {**record.detail, "index": index} if row is None else {**record.detail, "index": index, "event": row.id, "at": row.at}
        ours = completed(record, None if row is None else row.data, self.slice.worker.now())
        ours = msgspec.structs.replace(ours, detail=detail)
        return Commit(ours, self._over)

    def _over(self, stands: Record, _is_ours: bool) -> State:
        forget(self.slice, stands)
        return self._final(stands)

    def _final(self, record: Record) -> State:
        index = int(record.detail.get("index", -1))
        if index < 0:
            return Done(None)
        return Done((index, self._awaited[index].event.decode(self.slice.unpack(record.value))))


def unreached(slice_: Slice) -> list[Record]:
    """Waits that a slice before this one has recorded and died over, and that this one has not come to, as after a deploy: what
    they are to say before this slice suspends, which else covers them, so that whoever comes to them writes their rows.
    """
    return [
        msgspec.structs.replace(record, detail={**record.detail, _UNREGISTERED: True})
        for record in slice_.journal.waits()
        if not record.is_final
        and slice_.header.covered < record.epoch < slice_.header.epoch
        and record.path not in slice_.registered
        and _UNREGISTERED not in record.detail
    ]


def wait_name(path: str, index: int) -> str:
    """The sk of a wait's rows names which of its events it stands for: two may share a key."""
    return f"{path}~{index}"


def rows_of(record: Record, run: str) -> list[Write]:
    """The deletes of a wait's rows, from what its record says it waits for."""
    spec: list[list[Any]] = record.detail.get("waits", [])
    return [Delete(Key(pk, keys.wait_sk(run, wait_name(record.path, index)))) for index, (_event, _keys, pk) in enumerate(spec)]


def forget(slice_: Slice, record: Record) -> None:
    """Delete the rows of a wait that is over."""
    if writes := rows_of(record, slice_.header.run):
        slice_.worker.ports.table.write_many(writes)
