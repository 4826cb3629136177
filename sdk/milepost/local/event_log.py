"""Every event that the local bus accepted, for people to look at. Owns the table ``events``; the engine never reads it."""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from milepost.engine.ports import Entry
from milepost.local.store import Store

PAGE: Final = 100


class LoggedEvent(msgspec.Struct, frozen=True):
    """An event as the bus accepted it; ``seq`` grows in the order of acceptance."""

    seq: int
    id: str
    name: str
    source: str
    at_ms: int
    detail: str


class EventQuery(msgspec.Struct, frozen=True):
    """Which events: by name, from ``since_ms`` (inclusive) to ``until_ms`` (exclusive), newest first or last."""

    name: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    newest_first: bool = True


def append(conn: sqlite3.Connection, entries: Sequence[Entry], at_ms: int) -> None:
    """Note events, within the caller's transaction; one row per id, whatever comes twice."""
    rows = [(entry.id, entry.name, entry.source, at_ms, entry.detail) for entry in entries]
    conn.executemany("INSERT INTO events (id, name, source, at_ms, detail) VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING", rows)


_ALL: Final = EventQuery()


class EventLog:
    """Reads the log."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def page(self, query: EventQuery = _ALL, *, after: LoggedEvent | None = None, limit: int = PAGE) -> list[LoggedEvent]:
        """At most ``limit`` events; ``after`` is the last one of the page before."""
        where: list[str] = ["TRUE"]
        values: list[str | int] = []
        for condition, value in (("name = ?", query.name), ("at_ms >= ?", query.since_ms), ("at_ms < ?", query.until_ms)):
            if value is not None:
                where.append(condition)
                values.append(value)
        if after is not None:
            where.append(f"(at_ms, seq) {'<' if query.newest_first else '>'} (?, ?)")
            values += [after.at_ms, after.seq]
        direction = "DESC" if query.newest_first else "ASC"
        sql = (
            f"SELECT seq, id, name, source, at_ms, detail FROM events WHERE {' AND '.join(where)} "  # noqa: S608 - no value in it
            f"ORDER BY at_ms {direction}, seq {direction} LIMIT ?"
        )
        rows = self._store.read(lambda conn: conn.execute(sql, (*values, limit)).fetchall())
        return [LoggedEvent(*row) for row in rows]

    def find(self, id: str) -> LoggedEvent | None:
        """The event of this id, or None."""
        sql = "SELECT seq, id, name, source, at_ms, detail FROM events WHERE id = ?"
        row = self._store.read(lambda conn: conn.execute(sql, (id,)).fetchone())
        return None if row is None else LoggedEvent(*row)

    def expire(self, before_ms: int, *, limit: int = 1_000) -> int:
        """Delete at most ``limit`` events accepted before that time, oldest first. Returns their number."""
        sql = "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE at_ms < ? ORDER BY at_ms LIMIT ?)"
        return self._store.commit(lambda conn: conn.execute(sql, (before_ms, limit)).rowcount, durable=False)
