"""The state file from the outside: what is in it, which version it has, whether it is ours at all.

Owns the tables and the version number. Never touches what is in them; never changes a file that it does not recognise.
"""

import sqlite3
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

import msgspec

from milepost.errors import StateFileError

APPLICATION_ID: Final = 0x4D504F53
"""Says "a milepost state file" in the header of the SQLite file: "MPOS"."""

Role: TypeAlias = Literal["worker", "client"]

_TABLES: Final = """
CREATE TABLE items (
    pk TEXT NOT NULL, sk TEXT NOT NULL, body BLOB NOT NULL,
    fn_shard TEXT, created_at INTEGER, due_shard TEXT, next_due INTEGER, lease_until INTEGER, ttl INTEGER,
    PRIMARY KEY (pk, sk)
) WITHOUT ROWID;
CREATE INDEX items_by_function ON items (fn_shard, created_at) WHERE fn_shard IS NOT NULL;
CREATE INDEX items_due ON items (due_shard, next_due) WHERE due_shard IS NOT NULL;
CREATE INDEX items_leased ON items (lease_until) WHERE lease_until > 0;
CREATE INDEX items_expiring ON items (ttl) WHERE ttl IS NOT NULL;
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, grp TEXT NOT NULL, body TEXT NOT NULL,
    visible_at INTEGER NOT NULL, deliveries INTEGER NOT NULL DEFAULT 0, sent_at INTEGER NOT NULL,
    timer TEXT, dead_at INTEGER
);
CREATE INDEX messages_visible ON messages (visible_at, id) WHERE dead_at IS NULL;
CREATE INDEX messages_dead ON messages (dead_at, id) WHERE dead_at IS NOT NULL;
CREATE INDEX messages_timer ON messages (timer) WHERE timer IS NOT NULL;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, source TEXT NOT NULL,
    at_ms INTEGER NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX events_at ON events (at_ms, seq);
CREATE INDEX events_name ON events (name, at_ms, seq);
CREATE TABLE blobs (ref TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
"""


class Schema(msgspec.Struct, frozen=True):
    """A version of the file, how a new one is made, and how an older one becomes it."""

    version: int
    tables: str
    migrations: Mapping[int, Callable[[sqlite3.Connection], None]] = {}
    """By the version a step starts from; each leads to the next version, inside the transaction that notes it."""


SCHEMA: Final = Schema(version=1, tables=_TABLES)


def prepare(conn: sqlite3.Connection, name: str, role: Role, schema: Schema) -> None:
    """Make an empty file ours, bring an older one up to date (workers only), refuse any other.

    Raises:
        StateFileError: not a state file, of a newer version, or of an older one that cannot or may not be brought up to date.
    """
    with _transaction(conn, "BEGIN"):  # one snapshot: another process may be making the file just now
        if _is_current(conn, name, schema):
            return
    with _transaction(conn, "BEGIN IMMEDIATE"):
        if not _is_current(conn, name, schema):
            _bring_up(conn, name, role, schema)


@contextmanager
def _transaction(conn: sqlite3.Connection, begin: str) -> Generator[None, None, None]:
    conn.execute(begin)
    try:
        yield
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def _is_current(conn: sqlite3.Connection, name: str, schema: Schema) -> bool:
    """True when nothing is to do, False when the file is new or old. Raises StateFileError for all else."""
    application, version = _number(conn, "application_id"), _number(conn, "user_version")
    if application == 0 and version == 0 and conn.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
        return False
    if application != APPLICATION_ID:
        raise foreign(name)
    if version > schema.version:
        raise StateFileError(
            f"{name} was written by a newer milepost (schema {version}; this one knows schema {schema.version}): "
            "upgrade milepost, or use another state file"
        )
    return version == schema.version


def _bring_up(conn: sqlite3.Connection, name: str, role: Role, schema: Schema) -> None:
    if _number(conn, "application_id") == 0:
        for statement in schema.tables.split(";"):
            conn.execute(statement)
        conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    else:
        _migrate(conn, name, role, schema)
    conn.execute(f"PRAGMA user_version = {schema.version}")


def _migrate(conn: sqlite3.Connection, name: str, role: Role, schema: Schema) -> None:
    version = _number(conn, "user_version")
    if role != "worker":  # an older worker may be at work on it
        raise StateFileError(
            f"{name} was written by an older milepost (schema {version}; this one writes {schema.version}): "
            "start a worker of this version once (`milepost dev`), it brings the file up to date"
        )
    for step in range(version, schema.version):
        if step not in schema.migrations:
            raise StateFileError(
                f"{name} was written by a milepost that is too old (schema {version}; this one reads {schema.version}): "
                "open it with a version in between first, or use another state file"
            )
        schema.migrations[step](conn)


def _number(conn: sqlite3.Connection, pragma: str) -> int:
    value: int = conn.execute(f"PRAGMA {pragma}").fetchone()[0]
    return value


def foreign(name: str) -> StateFileError:
    """The error for a file with other contents."""
    return StateFileError(f"{name} is not a milepost state file: it was left as it is. Name another path for the state")
