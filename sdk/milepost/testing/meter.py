"""Counts what the engine asks of the table: items, write units with indexes, reads, requests. Cost is a feature."""

from collections.abc import Sequence
from typing import Any, TypeVar

from milepost.engine.ports import INDEXES, Change, Condition, ConditionFailed, Delete, Index, Item, Key, Page, Put, Table, Update, Write
from milepost.narrowing import is_dict, is_sequence

UNIT = 1_024
"""Bytes in one write unit (DynamoDB: read/write capacity mode, read 2026-11-22)."""


class Meter:
    """Counts since the box was opened, of worker and test together."""

    def __init__(self) -> None:
        self._writes = 0
        self._units = 0
        self._reads = 0
        self._requests = 0

    @property
    def writes(self) -> int:
        """Table items written; a transaction of k items counts k; a write whose condition failed counts too, as on AWS."""
        return self._writes

    @property
    def units(self) -> int:
        """Write units of 1 KB each, those of the indexes included."""
        return self._units

    @property
    def reads(self) -> int:
        """Get and query operations."""
        return self._reads

    @property
    def requests(self) -> int:
        """Calls of the table."""
        return self._requests

    def read(self, operations: int = 1) -> None:
        """Count a read; for milepost's own use."""
        self._reads += operations
        self._requests += 1

    def wrote(self, before: Item | None, after: Item | None) -> None:
        """Count one item written: its larger size, and every index entry that changed; for milepost's own use."""
        self._writes += 1
        self._units += units(max(size(before), size(after)))
        for index in INDEXES:
            self._units += _index_units(index, before, after)

    def refused(self, item: Item | None) -> None:
        """Count a conditional write that failed; for milepost's own use."""
        self._writes += 1
        self._units += units(size(item))

    def asked(self) -> None:
        """Count a request that writes; for milepost's own use."""
        self._requests += 1


def _index_units(index: Index, before: Item | None, after: Item | None) -> int:
    """Keys-only entries: one unit to put, one to delete, two to move, none when nothing of it changed."""
    old = _entry(index, before)
    new = _entry(index, after)
    return 0 if old == new else (old is not None) + (new is not None)


def _entry(index: Index, item: Item | None) -> tuple[object, object] | None:
    if item is None or item.get(index.hash) is None or item.get(index.range) is None:
        return None
    return item[index.hash], item[index.range]


def units(size_bytes: int) -> int:
    """Write units of an item: at least one."""
    return max(1, -(-size_bytes // UNIT))


def size(value: Any) -> int:
    """The size of an item by DynamoDB's rules, in bytes (CapacityUnitCalculations, read 2026-11-22)."""
    match value:
        case None | bool():
            return 1
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case int() | float():
            return len(str(value).strip("-0.")) // 2 + 2
        case _ if is_dict(value):
            return 3 + sum(len(str(name).encode()) + size(one) + 1 for name, one in value.items())
        case _ if is_sequence(value):
            return 3 + sum(size(one) + 1 for one in value)
        case _:
            raise TypeError(f"{type(value).__name__} is no attribute of an item")


S = TypeVar("S")


class MeteredTable:
    """`Table` of ports.py that counts for a meter. It reads before it writes, to see what changes; that is not counted."""

    def __init__(self, table: Table, meter: Meter) -> None:
        self._table = table
        self._meter = meter

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        self._meter.read()
        return self._table.get(key, consistent=consistent)

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        self._meter.read(len(keys))
        return self._table.get_many(keys)

    def query(self, pk: str, prefix: str = "", **options: Any) -> Page:
        self._meter.read()
        return self._table.query(pk, prefix, **options)

    def query_as(self, shape: type[S], pk: str, prefix: str = "", *, after: str | None = None) -> tuple[list[S], str | None]:
        self._meter.read()
        return self._table.query_as(shape, pk, prefix, after=after)

    def query_index(self, index: Index, value: str, **options: Any) -> Page:
        self._meter.read()
        return self._table.query_index(index, value, **options)

    def put(self, item: Item, only_if: Condition | None = None) -> None:
        self._meter.asked()
        before = self._before(Key(item["pk"], item["sk"]))
        self._counted(before, lambda: self._table.put(item, only_if))
        self._meter.wrote(before, item)

    def update(self, key: Key, change: Change, only_if: Condition | None = None) -> Item:
        self._meter.asked()
        before = self._before(key)
        after: Item = self._counted(before, lambda: self._table.update(key, change, only_if))
        self._meter.wrote(before, after)
        return after

    def delete(self, key: Key, only_if: Condition | None = None) -> None:
        self._meter.asked()
        before = self._before(key)
        self._counted(before, lambda: self._table.delete(key, only_if))
        self._meter.wrote(before, None)

    def write_many(self, writes: Sequence[Write]) -> list[ConditionFailed | None]:
        self._meter.asked()
        befores = [self._before(write.key) for write in writes]
        outcomes = self._table.write_many(writes)
        for write, before, failure in zip(writes, befores, outcomes, strict=True):
            if failure is None:
                self._meter.wrote(before, self._after(write))
            else:
                self._meter.refused(failure.item)
        return outcomes

    def transact(self, writes: Sequence[Write]) -> None:
        self._meter.asked()
        befores = [self._before(write.key) for write in writes]
        self._table.transact(writes)
        for write, before in zip(writes, befores, strict=True):
            self._meter.wrote(before, self._after(write))

    def _before(self, key: Key) -> Item | None:
        return self._table.get(key)

    def _after(self, write: Write) -> Item | None:
        match write:
            case Put(item):
                return item
            case Update(key):
                return self._table.get(key)
            case Delete():
                return None

    def _counted(self, before: Item | None, call: Any) -> Any:
        try:
            return call()
        except ConditionFailed:
            self._meter.refused(before)
            raise
