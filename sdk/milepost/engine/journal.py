"""The history of one run: read once at the start of a slice, written by put-once.

A step's result is a put on condition "absent or pending"; the loser takes the winner's record. So a zombie can waste
work but not fork history. One put is one write; nothing here is a transaction.
"""

from collections.abc import Sequence
from threading import Lock

import msgspec

from milepost.engine import keys
from milepost.engine.interrupts import Fenced, Suspend
from milepost.engine.order import Order
from milepost.engine.ports import Absent, And, Condition, ConditionFailed, Equals, LessThan, Or, Put, Table
from milepost.engine.records import SCHEMA, Failing, Kind, Packed, Record

OPEN = Or((Absent(), Equals("status", "pending")))
"""Nothing final stands there yet."""


def open_to(epoch: int) -> Condition:
    """Nothing final stands there yet, and nothing of a later slice: what that one had seen must not be overwritten."""
    not_later = Or((Absent("writer"), LessThan("writer", epoch + 1)))
    return Or((Absent(), And((Equals("status", "pending"), not_later))))


class Journal:
    """The records of a run, and the order in which this slice adds to them."""

    def __init__(self, table: Table, run: str, *, epoch: int, ttl: int, frozen: bool = False) -> None:
        self._table = table
        self._run = run
        self._pk = keys.run_pk(run)
        self._epoch = epoch
        self._ttl = ttl
        self._frozen = frozen
        self._records: dict[str, Record] = {}
        self._waits: dict[str, Record] = {}
        self._unread: set[str] = set()
        self._read_since: list[Record] = []
        """What the body has read or made that `_reached` does not count yet."""
        self._reached: dict[str, tuple[int, int]] = {}
        """By scope: the order of the latest record that the body has read or made there."""
        self._latest: list[tuple[int, int, str]] | None = None
        """What was unread when it was last asked for, the latest last."""
        self._lock = Lock()
        self._k = 0
        self.order: Order | None = None
        """Of an async body, which needs it to replay; see `keep_order`."""
        self._open: Condition = OPEN
        self.written: list[str] = []
        """The paths of the records put or changed by this slice: its progress."""
        self.is_superseded = False
        """A later slice has written into the history: what we would add would be older than what we have seen."""
        self.oldest_ttl: int | None = None
        """Of the rows read, in epoch seconds."""

    def keep_order(self, order: Order) -> None:
        """Read and write the order in which the body sees things."""
        self.order = order
        order.follow(self._records)
        self._open = open_to(self._epoch)

    def load(self) -> None:
        """Read the whole history, strongly consistent. What was known is read again."""
        history: list[Record] = []
        after: str | None = None
        while True:
            records, after = self._table.query_as(Record, keys.run_pk(self._run), keys.STEP_PREFIX, after=after)
            history += records
            if after is None:
                break
        cut = len(keys.STEP_PREFIX)
        self._records = {record.sk[cut:]: record for record in history}
        self._unread = set(self._records)
        self._read_since = []
        self._reached = {}
        self._latest = None
        self._waits = {}
        self.oldest_ttl = None
        self.is_superseded = False
        for record in history:
            if record.epoch > self._epoch:
                self.is_superseded = True
            if record.v > SCHEMA:
                record.check_schema()
            if record.kind == "wait":
                self._waits[record.path] = record
            if record.ttl is not None and (self.oldest_ttl is None or record.ttl < self.oldest_ttl):
                self.oldest_ttl = record.ttl
        if self.order is not None:
            self.order.read(self._records)

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self._records)

    def get(self, path: str) -> Record | None:
        """What is recorded of the step; it counts as read from now on."""
        record = self._records.get(path)
        if record is not None:
            self._unread.discard(path)
            self._read_since.append(record)
        return record

    def peek(self, path: str) -> Record | None:
        """What is recorded of the step."""
        return self._records.get(path)

    def pass_over(self, prefix: str) -> None:
        """What is left unread in this scope will not be asked for."""
        self._unread.difference_update([path for path in list(self._unread) if path.startswith(prefix)])

    def passes(self, path: str, is_needless: bool) -> bool:
        """Whether the body does without this step, which has become needless before it was recorded; noted for every replay."""
        order = self.order
        if order is not None and order.is_never(path):
            return True
        record = self.peek(path)
        if not is_needless or (record is not None and record.is_final):
            return False
        self._unread.discard(path)
        if order is not None:
            order.never(path)
        return True

    def all(self) -> list[Record]:
        """Every record known."""
        return list(self._records.values())

    def waits(self) -> list[Record]:
        """Those of waits for events."""
        return list(self._waits.values())

    def under(self, prefix: str) -> list[Record]:
        """Every record of a scope."""
        return [record for path, record in list(self._records.items()) if path.startswith(prefix)]

    # ---- has the body been here before? ------------------------------------------------------------------------------

    def is_replaying(self, prefix: str) -> bool:
        """The history holds something in this scope that comes after all that the body has asked for. What a deploy has
        removed does not count once the body is past it.
        """
        read, self._read_since = self._read_since, []
        for record in read:
            self._reach(record)
        reached = self._reached.get(prefix, (-1, 0))
        if prefix == "":
            latest = self._latest_unread()
            return latest is not None and (latest.epoch, latest.k) > reached
        unread = (self._records[path] for path in list(self._unread) if path.startswith(prefix))
        return any((record.epoch, record.k) > reached for record in unread)

    def is_within(self, prefix: str, epoch: int) -> bool:
        """The body is past its history, which ends in that epoch or before, and has added nothing in this scope. Of a branch
        without records nobody knows.
        """
        reached = self._reached.get(prefix, None if prefix else (0, 0))
        return reached is not None and reached[0] <= epoch and not any(path.startswith(prefix) for path in self.written)

    def _latest_unread(self) -> Record | None:
        if self._latest is None:
            self._latest = sorted((record.epoch, record.k, path) for path, record in self._records.items() if path in self._unread)
        while self._latest and self._latest[-1][2] not in self._unread:
            self._latest.pop()
        return self._records[self._latest[-1][2]] if self._latest else None

    def _reach(self, record: Record) -> None:
        order, path = (record.epoch, record.k), record.path
        end = len(path)
        while end >= 0:
            end = path.rfind("/", 0, end)
            scope = path[: end + 1]
            if self._reached.get(scope, order) <= order:
                self._reached[scope] = order

    # ---- writing -----------------------------------------------------------------------------------------------------

    def record(self, path: str, kind: Kind, now: int, digest: int | None = None) -> Record:
        """A pending record of this slice, not written yet. Its order is (epoch, k), k counting what the slice adds;
        t is the run's clock.
        """
        with self._lock:
            self._k += 1
            k = self._k
        key = keys.step(self._run, path)
        return Record(
            pk=key.pk, sk=key.sk, kind=kind, status="pending", started_at=now, digest=digest, epoch=self._epoch, k=k, t=now, ttl=self._ttl
        )

    def completed(self, path: str, kind: Kind, value: Packed, begun_at: int, now: int, *, digest: int, undo: bool) -> Record:
        """The record of a step that succeeded at its first attempt, not written yet."""
        with self._lock:
            self._k += 1
            k = self._k
        return Record(
            pk=self._pk,
            sk=keys.STEP_PREFIX + path,
            kind=kind,
            status="completed",
            value=value,
            attempts=1,
            started_at=begun_at,
            ended_at=now,
            digest=digest,
            epoch=self._epoch,
            k=k,
            t=now,
            undo=undo,
            ttl=self._ttl,
        )

    def put(self, record: Record, only_if: Condition | None = None) -> tuple[Record, bool]:
        """Put once: the record that stands, and whether it is ours; it is not when somebody was faster. A replay of an ended
        run stops here: what is not recorded does not begin.
        """
        if self._frozen:
            raise Suspend
        if self.order is not None:
            record = self.order.stamped(record, self.peek(record.path))
        try:
            self._table.put(record.to_item(), only_if or self._open)
        except ConditionFailed as lost:
            stands = self._winner(lost, record)
        else:
            stands = record
            self.written.append(record.path)
        if self.order is not None:
            self.order.wrote(((record, stands, stands is record),))
        self._know(stands)
        return stands, stands is record

    def begin(self, record: Record) -> Record:
        """Put the pending record of what begins to wait; the record that stands. What another slice has begun stays begun: an
        older one than it that goes on after all must not put it back in time. Of an async body `writer` sees to that.
        """
        stands, _ = self.put(record, Absent() if self.order is None else None)
        return stands

    def put_many(self, records: Sequence[Record], *, begins: bool = False) -> list[tuple[Record, bool]]:
        """The same as `put` for many, as writes that belong together; with `begins` as `begin`."""
        if self._frozen:
            raise Suspend
        if self.order is None:
            return self._put_many(records, Absent() if begins else self._open)
        if len(records) == 1 or self.order.carries_much:
            return [self.put(records[0]), *(self.put_many(records[1:]) if len(records) > 1 else ())]
        stamped = [self.order.stamped(record, self.peek(record.path)) for record in records]
        standing = self._put_many(stamped, self._open)
        self.order.wrote([(record, *stands) for record, stands in zip(stamped, standing, strict=True)])
        return standing

    def _put_many(self, records: Sequence[Record], only_if: Condition) -> list[tuple[Record, bool]]:
        outcomes = self._table.write_many([Put(record.to_item(), only_if) for record in records])
        standing = [record if lost is None else self._winner(lost, record) for record, lost in zip(records, outcomes, strict=True)]
        self.written += [record.path for record, lost in zip(records, outcomes, strict=True) if lost is None]
        for record in standing:
            self._know(record)
        return [(stands, stands is record) for stands, record in zip(standing, records, strict=True)]

    def _winner(self, lost: ConditionFailed, ours: Record) -> Record:
        """What stands in the place of ours. Raises Fenced when a later slice has begun it: what we would add now would be older than
        what we have seen.
        """
        stands = _winner(lost, ours)
        if stands.epoch > self._epoch:
            raise Fenced("a later slice has begun it")
        return stands

    def _know(self, record: Record) -> None:
        path = record.path
        self._records[path] = record
        self._read_since.append(record)
        if record.kind == "wait":
            self._waits[path] = record

    def paths(self) -> list[str]:
        """The paths of all records."""
        return list(self._records)


def _winner(lost: ConditionFailed, ours: Record) -> Record:
    if lost.item is None:  # the condition fails on a final record only, so there is one
        raise lost
    winner = Record.from_item(lost.item)
    if (not winner.is_final or winner.status == "cancelled") and (winner.writer or 0) > (ours.writer or 0):
        raise Fenced("a later slice has written")
    return ours if msgspec.structs.replace(winner, v=ours.v) == ours else winner  # an answer was lost, and it was written again


def completed(record: Record, value: Packed | None, now: int) -> Record:
    """The record, completed."""
    return msgspec.structs.replace(record, status="completed", value=value, ended_at=now, due_at=None, error=None)


def failed(record: Record, error: Failing, now: int) -> Record:
    """The record, failed for good."""
    return msgspec.structs.replace(record, status="failed", error=error, ended_at=now, due_at=None)
