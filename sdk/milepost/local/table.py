"""The table port on the state file.

Owns the table ``items``: each item whole as MessagePack, and beside it the attributes that indexes are made of.
Conditions are judged in Python inside the write transaction, where nobody else can write: test and write are one step.
"""

import functools
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec

from milepost.engine.ports import (
    BY_FUNCTION,
    DUE,
    INDEXES,
    PAGE_LIMIT,
    TRANSACTION_LIMIT,
    Absent,
    Change,
    Condition,
    ConditionFailed,
    Delete,
    Index,
    Item,
    Key,
    Or,
    Page,
    Put,
    TransactionFailed,
    Update,
    Write,
)
from milepost.local.conditions import changed, holds
from milepost.local.store import Store

_GET: Final = "SELECT body FROM items WHERE pk = ? AND sk = ?"
_INSERT: Final = (
    "INSERT INTO items (pk, sk, body, fn_shard, created_at, due_shard, next_due, lease_until, ttl) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pk, sk) DO "
)
_INSERT_NEW: Final = _INSERT + "NOTHING"
_UPSERT: Final = _INSERT + (
    "UPDATE SET body = excluded.body, fn_shard = excluded.fn_shard, created_at = excluded.created_at, due_shard = excluded.due_shard, "
    "next_due = excluded.next_due, lease_until = excluded.lease_until, ttl = excluded.ttl"
)
_UPDATE: Final = (
    "UPDATE items SET body = ?, fn_shard = ?, created_at = ?, due_shard = ?, next_due = ?, lease_until = ?, ttl = ? WHERE pk = ? AND sk = ?"
)
_UPDATE_BODY: Final = "UPDATE items SET body = ? WHERE pk = ? AND sk = ?"
_DELETE: Final = "DELETE FROM items WHERE pk = ? AND sk = ?"
_KEYS_AT_ONCE: Final = 400
"""Keys in one SELECT: well below SQLite's 32,766 variables."""

_encode = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Item).decode
_decode_many: Final = msgspec.msgpack.Decoder(list[Item]).decode


S = TypeVar("S")


class LocalTable:
    """`Table` of ports.py. Every call that writes is one commit of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # ---- reading -----------------------------------------------------------------------------------------------------

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:  # noqa: ARG002 - every read here is consistent
        return self._store.read(lambda conn: _item(conn, key))

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        return self._store.read(lambda conn: _items(conn, keys))

    def query(
        self,
        pk: str,
        prefix: str = "",
        *,
        after: str | None = None,
        limit: int | None = None,
        consistent: bool = True,  # noqa: ARG002 - every read here is consistent
        backwards: bool = False,
    ) -> Page:
        size = _page_size(limit)
        where, bounds = ["pk = ?"], [pk]
        for comparison, bound in _range_of(prefix, after, backwards=backwards):
            where.append(f"sk {comparison} ?")
            bounds.append(bound)
        sql = f"SELECT sk, body FROM items WHERE {' AND '.join(where)} ORDER BY sk {_direction(backwards=backwards)} LIMIT ?"  # noqa: S608
        rows = self._store.read(lambda conn: conn.execute(sql, (*bounds, size + 1)).fetchall())
        return Page(_whole(row[1] for row in rows[:size]), rows[size - 1][0] if len(rows) > size else None)

    def query_as(self, shape: type[S], pk: str, prefix: str = "", *, after: str | None = None) -> tuple[list[S], str | None]:
        size = _page_size(None)
        where, bounds = ["pk = ?"], [pk]
        for comparison, bound in _range_of(prefix, after, backwards=False):
            where.append(f"sk {comparison} ?")
            bounds.append(bound)
        sql = f"SELECT body FROM items WHERE {' AND '.join(where)} ORDER BY sk LIMIT ?"  # noqa: S608
        rows = self._store.read(lambda conn: conn.execute(sql, (*bounds, size + 1)).fetchall())
        bodies = [row[0] for row in rows[:size]]
        decode: Any = _decoder(shape)  # type: ignore[arg-type]  # classes are hashable
        found: list[S] = decode(_array(bodies)) if bodies else []
        return found, _decode(bodies[-1])["sk"] if len(rows) > size else None

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
        where = [f"{index.hash} = ?"]
        bounds: list[str | int] = [value]
        if before is not None and after is None:  # of two bounds SQLite seeks to one only, so we stop at the other ourselves
            where.append(f"{index.range} <= ?")
            bounds.append(before)
        if after is not None:
            where.append(f"({index.range}, pk, sk) {'<' if backwards else '>'} (?, ?, ?)")
            bounds.extend(msgspec.json.decode(after))
        order = ", ".join(f"{column} {_direction(backwards=backwards)}" for column in (index.range, "pk", "sk"))
        sql = f"SELECT {index.range}, pk, sk, body FROM items WHERE {' AND '.join(where)} ORDER BY {order} LIMIT ?"  # noqa: S608
        rows = self._store.read(lambda conn: conn.execute(sql, (*bounds, size + 1)).fetchall())
        if before is not None:
            rows = [row for row in rows if row[0] <= before]
        token = msgspec.json.encode(rows[size - 1][:3]).decode() if len(rows) > size else None
        return Page(_whole(row[3] for row in rows[:size]), token)

    # ---- writing -----------------------------------------------------------------------------------------------------

    def put(self, item: Item, only_if: Condition | None = None) -> None:
        row = _row(item)
        if only_if is None:
            self._store.commit(lambda conn: conn.execute(_UPSERT, row))
        elif _is_true_of_nothing(only_if):
            lost = self._store.commit(lambda conn: _put_new(conn, row, only_if))
            if lost is not None:
                raise lost
        else:
            self._one(Put(item, only_if), row)

    def update(self, key: Key, change: Change, only_if: Condition | None = None) -> Item:
        item: Item = _decode(self._one(Update(key, change, only_if)).body)
        return item

    def delete(self, key: Key, only_if: Condition | None = None) -> None:
        self._one(Delete(key, only_if))

    def write_many(self, writes: Sequence[Write]) -> list[ConditionFailed | None]:
        prepared = _prepared(writes)
        return self._store.commit(lambda conn: [_outcome(conn, write, row) for write, row in prepared]) if prepared else []

    def transact(self, writes: Sequence[Write]) -> None:
        if len(writes) > TRANSACTION_LIMIT:
            raise ValueError(f"{len(writes)} writes in one transaction: at most {TRANSACTION_LIMIT}")
        prepared = _prepared(writes)

        def op(conn: sqlite3.Connection) -> None:
            judged = [_judged(conn, write, row) for write, row in prepared]
            if any(isinstance(each, ConditionFailed) for each in judged):
                raise TransactionFailed([each if isinstance(each, ConditionFailed) else None for each in judged])
            for each in judged:
                if isinstance(each, _Statement):
                    conn.execute(each.sql, each.values)

        if prepared:
            self._store.commit(op)

    def _one(self, write: Write, row: tuple[Any, ...] | None = None) -> "_Statement":
        def op(conn: sqlite3.Connection) -> _Statement:
            judged = _judged(conn, write, row)
            if isinstance(judged, ConditionFailed):
                raise judged
            conn.execute(judged.sql, judged.values)
            return judged

        return self._store.commit(op)

    # ---- housekeeping, of the worker that holds the file -------------------------------------------------------------

    def recover(self) -> int:
        """End the leases that a dead worker left: ``lease_until`` > 0 becomes 0, and an item of the due index is due at once, for
        its message may have been given up. Returns their number. Call it before any work.
        """

        def op(conn: sqlite3.Connection) -> int:
            leased = [_decode(row[0]) for row in conn.execute("SELECT body FROM items WHERE lease_until > 0").fetchall()]
            for item in leased:
                row = _row({**item, "lease_until": 0, **({"next_due": 0} if "next_due" in item else {})})
                conn.execute(_UPDATE, (*row[2:], *row[:2]))
            return len(leased)

        return self._store.commit(op)

    def expire(self, now_s: int, *, limit: int = 1_000) -> int:
        """Delete at most ``limit`` items whose ``ttl`` (epoch seconds) is past, longest past first. Returns their number.

        Not forced to disk: what a power cut brings back expires again.
        """
        find = "SELECT pk, sk FROM items WHERE ttl < ? ORDER BY ttl LIMIT ?"

        def op(conn: sqlite3.Connection) -> int:
            keys = conn.execute(find, (now_s, limit)).fetchall()
            conn.executemany(_DELETE, keys)
            return len(keys)

        if self._store.read(lambda conn: conn.execute(find, (now_s, 1)).fetchone()) is None:
            return 0
        return self._store.commit(op, durable=False)


class _Statement(msgspec.Struct, frozen=True):
    """A write whose condition held, ready to be made."""

    sql: str
    values: tuple[Any, ...]
    body: bytes = b""
    """The item as it then is, of an update."""


def _judged(conn: sqlite3.Connection, write: Write, row: tuple[Any, ...] | None) -> _Statement | ConditionFailed:
    """Test a write's condition. Writes nothing."""
    key = write.key
    if row is not None and write.only_if is None:
        return _Statement(_UPSERT, row)
    item = _item(conn, key)
    if not holds(write.only_if, item) or (item is None and isinstance(write, Update)):
        return ConditionFailed(key, item)
    match write:
        case Put():
            return _Statement(_UPSERT, row or ())
        case Delete():
            return _Statement(_DELETE, key)
        case Update(change=change):
            return _update_of(item or {}, changed(item or {}, change))


def _update_of(old: Item, new: Item) -> _Statement:
    pk, sk, body, *columns = _row(new)
    if columns == list(_columns(old)):  # indexes that do not change are not touched
        return _Statement(_UPDATE_BODY, (body, pk, sk), body)
    return _Statement(_UPDATE, (body, *columns, pk, sk), body)


def _is_true_of_nothing(condition: Condition) -> bool:
    first = condition.conditions[0] if isinstance(condition, Or) else condition
    return isinstance(first, Absent) or holds(condition, None)


def _outcome(conn: sqlite3.Connection, write: Write, row: tuple[Any, ...] | None) -> ConditionFailed | None:
    """Make one write on its own condition."""
    if row is not None and write.only_if is not None and _is_true_of_nothing(write.only_if):
        return _put_new(conn, row, write.only_if)
    judged = _judged(conn, write, row)
    if isinstance(judged, ConditionFailed):
        return judged
    conn.execute(judged.sql, judged.values)
    return None


def _put_new(conn: sqlite3.Connection, row: tuple[Any, ...], only_if: Condition) -> ConditionFailed | None:
    """Put on a condition that is true of nothing: mostly nothing stands there, and the insert says so by itself."""
    if conn.execute(_INSERT_NEW, row).rowcount:
        return None
    key = Key(row[0], row[1])
    item = _item(conn, key)
    if not holds(only_if, item):
        return ConditionFailed(key, item)
    conn.execute(_UPSERT, row)
    return None


def _prepared(writes: Sequence[Write]) -> list[tuple[Write, tuple[Any, ...] | None]]:
    keys = {write.key for write in writes}
    if len(keys) != len(writes):
        raise ValueError("two writes of one key: their order would not be defined")
    return [(write, _row(write.item) if isinstance(write, Put) else None) for write in writes]


def _row(item: Item) -> tuple[Any, ...]:
    if not item["pk"] or not item["sk"]:
        raise ValueError(f"an item needs a pk and a sk: {item['pk']!r} / {item['sk']!r}")
    return (item["pk"], item["sk"], _encode(item), *_columns(item))


def _columns(item: Item) -> tuple[Any, ...]:
    """An index holds only items that have both of its attributes."""
    get = item.get
    shard, created_at = get(BY_FUNCTION.hash), get(BY_FUNCTION.range)
    if shard is None or created_at is None:
        shard = created_at = None
    due_shard, next_due = get(DUE.hash), get(DUE.range)
    if due_shard is None or next_due is None:
        due_shard = next_due = None
    return (shard, created_at, due_shard, next_due, get("lease_until"), get("ttl"))


def _item(conn: sqlite3.Connection, key: Key) -> Item | None:
    row = conn.execute(_GET, key).fetchone()
    return None if row is None else _decode(row[0])


def _items(conn: sqlite3.Connection, keys: Sequence[Key]) -> list[Item]:
    wanted = list(dict.fromkeys(keys))
    found: list[bytes] = []
    for start in range(0, len(wanted), _KEYS_AT_ONCE):
        some = wanted[start : start + _KEYS_AT_ONCE]
        values = ", ".join(["(?, ?)"] * len(some))
        # A join, for SQLite looks for a list of pairs in every row there is.
        sql = f"WITH wanted (pk, sk) AS (VALUES {values}) SELECT body FROM wanted CROSS JOIN items USING (pk, sk)"  # noqa: S608
        found.extend(row[0] for row in conn.execute(sql, [part for key in some for part in key]))
    return _whole(found)


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


def _range_of(prefix: str, after: str | None, *, backwards: bool) -> Iterator[tuple[str, str]]:
    """At most one bound on either side, so that SQLite seeks to both."""
    end = successor(prefix)
    if after is None:
        lower, upper = (">=", prefix), ("<", end)
    elif backwards:
        lower, upper = (">=", prefix), ("<", after if end is None else min(after, end))
    else:
        lower, upper = (">", after) if after >= prefix else (">=", prefix), ("<", end)
    yield lower
    if upper[1] is not None:
        yield upper[0], upper[1]


def successor(prefix: str) -> str | None:
    """The first string after all that begin with ``prefix``, by code point; None when there is none."""
    for end in range(len(prefix), 0, -1):
        point = ord(prefix[end - 1]) + 1
        if point <= sys.maxunicode:
            return prefix[: end - 1] + chr(0xE000 if point == 0xD800 else point)  # no surrogates in UTF-8
    return None


def _page_size(limit: int | None) -> int:
    if limit is None:
        return PAGE_LIMIT
    if limit < 1:
        raise ValueError(f"a page of {limit} items: at least 1")
    return min(limit, PAGE_LIMIT)


def _direction(*, backwards: bool) -> str:
    return "DESC" if backwards else "ASC"
