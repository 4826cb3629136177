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
from milepost.engine.ports import Absent, And, Condition, ConditionFailed, Equals, Item, LessThan, Or, Put, Table
from milepost.engine.records import Failing, Kind, Packed, Record

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
        self._epoch = epoch
        self._ttl = ttl
        self._frozen = frozen
        self._items: dict[str, Item] = {}
        self._records: dict[str, Record] = {}
        self._unread: set[str] = set()
        self._reached: dict[str, tuple[int, int]] = {}
        """By scope: the order of the latest record that the body has read or made there."""
        self._lock = Lock()
        self._k = 0
        self.order: Order | None = None
        """Of an async body, which needs it to replay; see `keep_order`."""
        self._open: Condition = OPEN
        self.written = 0
        """Records put or changed by this slice: its progress."""
        self.oldest_ttl: int | None = None
        """Of the rows read, in epoch seconds."""

    def keep_order(self, order: Order) -> None:
        """Read and write the order in which the body sees things."""
        self.order = order
        self._open = open_to(self._epoch)

    def load(self) -> None:
        """Read the whole history, strongly consistent. What was known is read again."""
        items: dict[str, Item] = {}
        after: str | None = None
        prefix = keys.STEP_PREFIX
        while True:
            page = self._table.query(keys.run_pk(self._run), prefix, after=after)
            for item in page.items:
                items[item["sk"][len(prefix) :]] = item
            after = page.next
            if after is None:
                break
        self._items = items
        self._records = {}
        self._unread = set(items)
        self._reached = {}
        if self.order is not None:
            self.order.read(items.values())
        self.oldest_ttl = min((item["ttl"] for item in items.values() if "ttl" in item), default=None)

    def get(self, path: str) -> Record | None:
        """What is recorded of the step; it counts as read from now on."""
        self._unread.discard(path)
        record = self.peek(path)
        if record is not None:
            self._reach(record)
        return record

    def _reach(self, record: Record) -> None:
        order, path = (record.epoch, record.k), record.path
        end = len(path)
        while end >= 0:
            end = path.rfind("/", 0, end)
            scope = path[: end + 1]
            if self._reached.get(scope, order) <= order:
                self._reached[scope] = order

    def pass_over(self, prefix: str) -> None:
        """What is left unread in this scope will not be asked for."""
        self._unread.difference_update([path for path in list(self._unread) if path.startswith(prefix)])

    def passes(self, path: str, is_needless: bool) -> bool:  # noqa: FBT001 - the one question that is asked
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

    def peek(self, path: str) -> Record | None:
        """What is recorded of the step."""
        record = self._records.get(path)
        if record is None and (item := self._items.get(path)) is not None:
            record = self._records[path] = Record.from_item(item)
        return record

    def all(self) -> list[Record]:
        """Every record known."""
        return [record for path in {**self._items, **self._records} if (record := self.peek(path)) is not None]

    def under(self, prefix: str) -> list[Record]:
        """Every record of a scope."""
        return [record for path in {**self._items, **self._records} if path.startswith(prefix) and (record := self.peek(path)) is not None]

    def is_replaying(self, prefix: str) -> bool:
        """The history holds something in this scope that comes after all that the body has asked for. What a deploy has
        removed does not count once the body is past it.
        """
        reached = self._reached.get(prefix, (-1, 0))
        return any(path.startswith(prefix) and _order(self._items[path]) > reached for path in list(self._unread))

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
            stands = _winner(lost, record)
        else:
            stands = record
            self.written += 1
        if self.order is not None:
            self.order.wrote(((record, stands, stands is record),))
        self._know(stands)
        return stands, stands is record

    def put_many(self, records: Sequence[Record]) -> list[tuple[Record, bool]]:
        """The same for many, as writes that belong together."""
        if self._frozen:
            raise Suspend
        if self.order is None:
            return self._put_many(records)
        if self.order.carries_much and len(records) > 1:
            return [self.put(records[0]), *self.put_many(records[1:])]
        stamped = [self.order.stamped(record, self.peek(record.path)) for record in records]
        standing = self._put_many(stamped)
        self.order.wrote([(record, *stands) for record, stands in zip(stamped, standing, strict=True)])
        return standing

    def _put_many(self, records: Sequence[Record]) -> list[tuple[Record, bool]]:
        outcomes = self._table.write_many([Put(record.to_item(), self._open) for record in records])
        standing = [record if lost is None else _winner(lost, record) for record, lost in zip(records, outcomes, strict=True)]
        self.written += sum(lost is None for lost in outcomes)
        for record in standing:
            self._know(record)
        return [(stands, stands is record) for stands, record in zip(standing, records, strict=True)]

    def _know(self, record: Record) -> None:
        self._records[record.path] = record
        self._reach(record)

    def paths(self) -> list[str]:
        """The paths of the rows that were read."""
        return list(self._items)


def _order(item: Item) -> tuple[int, int]:
    return item.get("epoch", 0), item.get("k", 0)


def _winner(lost: ConditionFailed, ours: Record) -> Record:
    if lost.item is None:  # the condition fails on a final record only, so there is one
        raise lost
    winner = Record.from_item(lost.item)
    if not winner.is_final and (winner.writer or 0) > (ours.writer or 0):
        raise Fenced("a later slice has written")
    return ours if winner == ours else winner


def completed(record: Record, value: Packed | None, now: int) -> Record:
    """The record, completed."""
    return msgspec.structs.replace(record, status="completed", value=value, ended_at=now, due_at=None, error=None)


def failed(record: Record, error: Failing, now: int) -> Record:
    """The record, failed for good."""
    return msgspec.structs.replace(record, status="failed", error=error, ended_at=now, due_at=None)
