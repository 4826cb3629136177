"""The table port in memory: plain, correct and quick, for simulated clouds.

Owns the items: each whole as MessagePack, so that nobody shares a nested value with another, by pk and in order of sk. Tells
who asks of every item that changes, and shows its indexes as late as it is told to. Knows no faults: those are drawn outside.
"""

import functools
import heapq
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import msgspec

from milepost.engine.ports import (
    BY_FUNCTION,
    DUE,
    INDEXES,
    PAGE_LIMIT,
    TRANSACTION_LIMIT,
    Change,
    Condition,
    ConditionFailed,
    Delete,
    Index,
    Item,
    Key,
    Page,
    Put,
    TransactionFailed,
    Update,
    Write,
)
from milepost.local.conditions import changed, holds
from milepost.local.table import successor
from tests.sim.memory_index import Listing, MemoryIndex, Place, listing_of

S = TypeVar("S")
T = TypeVar("T")

OnWrite: TypeAlias = Callable[[Key, Item | None, Item | None], None]
"""Told of each item that was changed: its key, what it was and what it is; None: absent."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Item).decode
_decode_many: Final = msgspec.msgpack.Decoder(list[Item]).decode


class _Row(NamedTuple):
    """An item, and what of it the table looks at."""

    body: bytes
    by_function: Listing | None
    due: Listing | None
    ttl: float | None


class _Partition:
    """The items of one pk."""

    __slots__ = ("order", "rows")

    def __init__(self) -> None:
        self.order: list[str] = []
        """The sks, in order."""
        self.rows: dict[str, _Row] = {}


class _Judged(NamedTuple):
    """A write whose condition held, ready to be made."""

    key: Key
    before: _Row | None
    after: _Row | None


class MemoryTable:
    """`Table` of ports.py. Threads may share it: each call is one step.

    ``on_write`` is called within the write, once per changed item, of a transaction after all are written. It may read the
    table; it must not wait for another thread, for that may be waiting for the table. What it raises goes through to the
    caller, and undoes nothing. ``index_view`` says how many milliseconds late `query_index` is at that moment; up to a minute.
    """

    def __init__(self, now: Callable[[], int], *, on_write: OnWrite | None = None, index_view: Callable[[], int] | None = None) -> None:
        self.on_write = on_write
        self.index_view = index_view
        self._partitions: dict[str, _Partition] = {}
        self._by_function = MemoryIndex(now)
        self._due = MemoryIndex(now)
        self._expiries: list[tuple[float, str, str]] = []
        """A heap of (ttl, pk, sk); an entry that is no longer so is left in it until its time."""
        self._mutex = threading.RLock()

    # ---- reading -----------------------------------------------------------------------------------------------------

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        with self._mutex:
            row = self._row(key)
        return None if row is None else _decode(row.body)

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        with self._mutex:
            rows = [self._row(key) for key in dict.fromkeys(keys)]
        return _whole(row.body for row in rows if row is not None)

    def query(
        self,
        pk: str,
        prefix: str = "",
        *,
        after: str | None = None,
        limit: int | None = None,
        consistent: bool = True,
        backwards: bool = False,
    ) -> Page:
        bodies, last = self._range(pk, prefix, after, _page_size(limit), backwards=backwards)
        return Page(_whole(bodies), last)

    def query_as(self, shape: type[S], pk: str, prefix: str = "", *, after: str | None = None) -> tuple[list[S], str | None]:
        bodies, last = self._range(pk, prefix, after, PAGE_LIMIT, backwards=False)
        decode: Any = _decoder(shape)  # type: ignore[arg-type]  # classes are hashable
        found: list[S] = decode(_array(bodies)) if bodies else []
        return found, last

    def query_index(
        self,
        index: Index,
        value: str,
        *,
        before: int | None = None,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page:
        if index not in INDEXES:
            raise ValueError(f"the table has no index {index.name}")
        size = _page_size(limit)
        lag_ms = 0 if self.index_view is None else self.index_view()
        with self._mutex:
            places, old = (self._due if index == DUE else self._by_function).view(value, lag_ms)
            low, high = 0, len(places) if before is None else bisect_right(places, before, key=itemgetter(0))
            if after is not None:
                last: Place = tuple(msgspec.json.decode(after))
                low, high = (low, min(high, bisect_left(places, last))) if backwards else (bisect_right(places, last), high)
            found, more = _cut(places, low, high, size, backwards=backwards)
            bodies = [old.get(place) or self._partitions[place[1]].rows[place[2]].body for place in found]
        return Page(_whole(bodies), msgspec.json.encode(found[-1]).decode() if more else None)

    def all_items(self) -> Iterator[Item]:
        """Every item, in order of pk and sk, all of this moment."""
        with self._mutex:
            parts = [self._partitions[pk] for pk in sorted(self._partitions)]
            bodies = [part.rows[sk].body for part in parts for sk in part.order]
        return map(_decode, bodies)

    # ---- writing -----------------------------------------------------------------------------------------------------

    def put(self, item: Item, only_if: Condition | None = None) -> None:
        self._one(Put(item, only_if))

    def update(self, key: Key, change: Change, only_if: Condition | None = None) -> Item:
        row = self._one(Update(key, change, only_if)).after
        return {} if row is None else _decode(row.body)  # an update always leaves an item

    def delete(self, key: Key, only_if: Condition | None = None) -> None:
        self._one(Delete(key, only_if))

    def write_many(self, writes: Sequence[Write]) -> list[ConditionFailed | None]:
        _check_keys(writes)
        with self._mutex:
            judged = [self._judged(write) for write in writes]
            for each in judged:
                if isinstance(each, _Judged):
                    self._make(each)
                    self._tell(each)
        return [each if isinstance(each, ConditionFailed) else None for each in judged]

    def transact(self, writes: Sequence[Write]) -> None:
        if len(writes) > TRANSACTION_LIMIT:
            raise ValueError(f"{len(writes)} writes in one transaction: at most {TRANSACTION_LIMIT}")
        _check_keys(writes)
        with self._mutex:
            judged = [self._judged(write) for write in writes]
            if any(isinstance(each, ConditionFailed) for each in judged):
                raise TransactionFailed([each if isinstance(each, ConditionFailed) else None for each in judged])
            made = [each for each in judged if isinstance(each, _Judged)]
            for each in made:
                self._make(each)
            for each in made:
                self._tell(each)

    def expire(self, now_s: int, *, limit: int = 1_000) -> int:
        """Delete at most ``limit`` items whose ``ttl`` (epoch seconds) is past, longest past first. Returns their number."""
        expired = 0
        with self._mutex:
            while self._expiries and self._expiries[0][0] < now_s and expired < limit:
                ttl, pk, sk = heapq.heappop(self._expiries)
                key = Key(pk, sk)
                row = self._row(key)
                if row is not None and row.ttl == ttl:
                    gone = _Judged(key, row, None)
                    self._make(gone)
                    self._tell(gone)
                    expired += 1
        return expired

    def _one(self, write: Write) -> _Judged:
        with self._mutex:
            judged = self._judged(write)
            if isinstance(judged, ConditionFailed):
                raise judged
            self._make(judged)
            self._tell(judged)
        return judged

    def _judged(self, write: Write) -> _Judged | ConditionFailed:
        """Test a write's condition. Writes nothing."""
        key = write.key
        before = self._row(key)
        if isinstance(write, Put):
            after = _row_of(write.item)  # what cannot be stored is refused, whatever stands there
            if write.only_if is None:
                return _Judged(key, before, after)
            item = None if before is None else _decode(before.body)
            return _Judged(key, before, after) if holds(write.only_if, item) else ConditionFailed(key, item)
        item = None if before is None else _decode(before.body)
        if not holds(write.only_if, item):
            return ConditionFailed(key, item)
        if isinstance(write, Delete):
            return _Judged(key, before, None)
        return ConditionFailed(key, None) if item is None else _Judged(key, before, _row_of(changed(item, write.change)))

    def _make(self, judged: _Judged) -> None:
        (pk, sk), before, after = judged
        if after is not None:
            part = self._partitions.get(pk)
            if part is None:
                part = self._partitions[pk] = _Partition()
            if before is None:
                insort(part.order, sk)
            part.rows[sk] = after
            if after.ttl is not None and (before is None or before.ttl != after.ttl):
                heapq.heappush(self._expiries, (after.ttl, pk, sk))
        elif before is not None:
            part = self._partitions[pk]
            del part.order[bisect_left(part.order, sk)]
            del part.rows[sk]
            if not part.order:
                del self._partitions[pk]
        self._list(before, after)

    def _list(self, before: _Row | None, after: _Row | None) -> None:
        body, was, was_due = (None, None, None) if before is None else before[:3]
        now, now_due = (None, None) if after is None else after[1:3]
        if was is not None or now is not None:
            self._by_function.change(was, body, now)
        if was_due is not None or now_due is not None:
            self._due.change(was_due, body, now_due)

    def _tell(self, judged: _Judged) -> None:
        key, before, after = judged
        if self.on_write is not None and (before is not None or after is not None):
            self.on_write(key, None if before is None else _decode(before.body), None if after is None else _decode(after.body))

    # ---- finding -----------------------------------------------------------------------------------------------------

    def _row(self, key: Key) -> _Row | None:
        part = self._partitions.get(key[0])
        return None if part is None else part.rows.get(key[1])

    def _range(self, pk: str, prefix: str, after: str | None, size: int, *, backwards: bool) -> tuple[list[bytes], str | None]:
        """A page, and the sk to go on after."""
        with self._mutex:
            part = self._partitions.get(pk)
            if part is None:
                return [], None
            order, end = part.order, successor(prefix)
            low, high = bisect_left(order, prefix), len(order) if end is None else bisect_left(order, end)
            if after is not None:
                low, high = (low, min(high, bisect_left(order, after))) if backwards else (max(low, bisect_right(order, after)), high)
            found, more = _cut(order, low, high, size, backwards=backwards)
            return [part.rows[sk].body for sk in found], found[-1] if more else None


def _cut(ordered: list[T], low: int, high: int, size: int, *, backwards: bool) -> tuple[list[T], bool]:
    """At most ``size`` of those from low to high, from either end, and whether there are more."""
    more = high - low > size
    if backwards:
        return ordered[max(low, high - size) : max(low, high)][::-1], more
    return ordered[low : min(high, low + size)], more


def _check_keys(writes: Sequence[Write]) -> None:
    if len({write.key for write in writes}) != len(writes):
        raise ValueError("two writes of one key: their order would not be defined")


def _row_of(item: Item) -> _Row:
    if not item["pk"] or not item["sk"]:
        raise ValueError(f"an item needs a pk and a sk: {item['pk']!r} / {item['sk']!r}")
    ttl: Any = item.get("ttl")
    return _Row(_encode(item), listing_of(BY_FUNCTION, item), listing_of(DUE, item), ttl if isinstance(ttl, int | float) else None)


def _whole(bodies: Iterable[bytes]) -> list[Item]:
    """Many items by one call: as a MessagePack array made of them."""
    parts = list(bodies)
    return _decode_many(_array(parts)) if parts else []


def _array(bodies: Sequence[bytes]) -> bytes:
    return b"\xdd" + len(bodies).to_bytes(4, "big") + b"".join(bodies)


@functools.cache
def _decoder(shape: type[Any]) -> Callable[[bytes], Any]:
    items: Any = list[shape]  # type: ignore[valid-type]  # a type that is known when it is called
    return msgspec.msgpack.Decoder(items).decode


def _page_size(limit: int | None) -> int:
    if limit is None:
        return PAGE_LIMIT
    if limit < 1:
        raise ValueError(f"a page of {limit} items: at least 1")
    return min(limit, PAGE_LIMIT)
