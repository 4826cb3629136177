"""The state of one local cloud: a SQLite file, or memory, shared by all ports.

Owns the file's life: opening, locking, committing, reading, closing, and who is told of new messages. Knows nothing of
what is stored; how commits share an fsync is group_commit.py's.
"""

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self, TypeVar

from milepost.errors import StateFileError
from milepost.local.connections import ReadPool, explained, make_room, not_writable, open_writer
from milepost.local.group_commit import GroupCommit, Operation, Part
from milepost.local.post import Hearer, Letter
from milepost.local.schema import SCHEMA, Role, Schema
from milepost.local.worker_lock import WorkerLock

T = TypeVar("T")


class Committer(Protocol):
    """Takes commits of its own callers, to bring them together."""

    def has_slice(self) -> bool:
        """Whether the caller is one of them."""
        ...

    def commit(self, op: Operation[T], *, durable: bool) -> T:
        """As `Store.commit`."""
        ...


class Store:
    """A state file, open; in memory, and gone with the object, when ``path`` is None.

    ``role="worker"`` takes the file's worker lock; a ``"client"`` works beside a worker. The file and its directory are
    made when absent. Threads may share a store; the child of a fork may not use it. ``has_room``: the log is 16 MB from the
    start, which makes commits faster; for workers that live long.

    Raises:
        StateFileError: the file is not ours, damaged, of another version, not writable, or has a worker already.
    """

    def __init__(self, path: Path | None, *, role: Role = "worker", schema: Schema = SCHEMA, has_room: bool = False) -> None:
        self.path = path
        self._listeners: list[Callable[[], None]] = []
        self._hearers: weakref.WeakSet[Hearer] = weakref.WeakSet()
        self._aside: Committer | None = None
        self._data_version: int | None = None
        self._exclusive = threading.RLock()
        self._lock: WorkerLock | None = None
        with ExitStack() as undo:
            if path is not None and role == "worker":
                self._lock = _take_lock(path)
                undo.callback(self._lock.release)
            self._writer = open_writer(path, role, schema)
            undo.callback(self._writer.close)
            if path is not None and has_room:
                make_room(self._writer, path)
            undo.pop_all()
        self._group = GroupCommit(self._writer, self._exclusive)
        self._pool = None if path is None else ReadPool(path)
        self._is_closed = False
        _open_stores.add(self)

    # ---- writing -----------------------------------------------------------------------------------------------------

    @property
    def commits(self) -> int:
        """Transactions that changed something."""
        return self._group.commits

    @property
    def fsyncs(self) -> int:
        """Those of them that were forced to disk, one fsync each; 0 in memory. SQLite's checkpoints are not counted."""
        return 0 if self.path is None else self._group.durable_commits

    def commit(self, op: Operation[T], *, durable: bool = True) -> T:
        """Run ``op`` in a transaction, together with those of other threads, and return its result when it is on disk.

        With ``durable=False`` when it is committed: it outlives the process then, but not a power cut. ``op`` tests its
        conditions before its first write, has no effect but on its connection, and may be run more than once.

        Raises:
            Whatever ``op`` raises; then nothing of it is written, and others in the same transaction are not touched.
            StateFileError: the file is damaged, closed, or locked for long by another process.
            sqlite3.OperationalError: the disk is full, or fails.
        """
        try:
            if self._aside is not None and self._aside.has_slice():
                return self._aside.commit(op, durable=durable)
            return self._group.commit(op, durable=durable)
        except sqlite3.DatabaseError as error:
            self._explain(error)
            raise

    def commit_parts(self, parts: Sequence[Part], *, durable: bool) -> None:
        """Commit several operations as one caller's; each part then holds its own result or error.

        Raises:
            sqlite3.ProgrammingError: the file is closed.
        """
        self._group.commit_parts(parts, durable=durable)

    def set_aside(self, committer: Committer) -> None:
        """Leave the commits of this committer's callers to it."""
        self._aside = committer

    def commit_later(self, op: Operation[object], then: Callable[[], None] | None = None) -> None:
        """Let ``op`` run first in the next transaction, whoever's that is; ``then`` is called when it is committed.

        Costs no transaction and no fsync of its own. Until then ``op`` is in memory only: for what a crash may undo.
        """
        try:
            self._group.commit_later(op, then)
        except sqlite3.ProgrammingError as error:
            self._explain(error)
            raise

    def flush(self) -> None:
        """Commit what waits, without an fsync. Raises as `commit`, also what an operation that waited has raised."""
        try:
            self._group.flush()
        except sqlite3.DatabaseError as error:
            self._explain(error)
            raise

    # ---- reading -----------------------------------------------------------------------------------------------------

    def read(self, op: Operation[T]) -> T:
        """Run ``op`` on a snapshot that holds every commit that had returned; it waits for no fsync of others.

        Raises:
            StateFileError: the file is damaged or closed.
        """
        self._require_open()
        try:
            if self._pool is not None:
                return self._pool.run(op)
            with self._exclusive:
                return op(self._writer)
        except sqlite3.DatabaseError as error:
            self._explain(error)
            raise

    # ---- others ------------------------------------------------------------------------------------------------------

    def hear(self, hearer: Hearer) -> None:
        """Tell ``hearer`` of every message that this process sends or withdraws, for as long as it lives."""
        self._hearers.add(hearer)

    def listen(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called whenever this process has sent a message or changed when one comes. It must not block."""
        self._listeners.append(callback)

    def send(self, op: Operation[Sequence[Letter]]) -> None:
        """Commit an operation that sends messages and returns them; then announce them. Raises as `commit`."""
        try:
            letters = self.commit(op)
        except BaseException:  # KeyboardInterrupt: perhaps after the commit
            for hearer in self._hearers:
                hearer.look_again()
            raise
        if letters:
            for hearer in self._hearers:
                hearer.sent(letters)
            self.announce()

    def withdraw(self, op: Operation[Sequence[int]]) -> None:
        """Commit an operation that takes messages back and returns their numbers; then tell of that. Raises as `commit`."""
        numbers = self.commit(op)
        if numbers:
            for hearer in self._hearers:
                hearer.withdrawn(numbers)

    def announce(self) -> None:
        """Tell the listeners."""
        for callback in self._listeners:
            callback()

    def changed_elsewhere(self) -> bool:
        """Whether another process has committed since the last call (True at the first). Commits what waits, too.

        Costs about 20 µs; for polling.
        """
        if self.path is None:
            return False
        seen, self._data_version = self._data_version, self.commit(_data_version, durable=False)
        return seen != self._data_version

    # ---- the end -----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Commit what waits, then let go of the file. A second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        _open_stores.discard(self)
        with ExitStack() as stack:
            if self._lock is not None:
                stack.callback(self._lock.release)
            stack.callback(self._writer.close)
            if self._pool is not None:
                stack.callback(self._pool.close)
            self._group.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def _require_open(self) -> None:
        if self._is_closed:
            raise StateFileError(f"{self.path or 'the state in memory'} is closed here: open a store of your own (also after a fork)")

    def _explain(self, error: sqlite3.DatabaseError) -> None:
        """Raise what the error means for a user, if it is for SQLite to know and for a user to read."""
        self._require_open()
        meaning = explained(error, self.path)
        if meaning is not error:
            raise meaning from error

    def leave_to_parent(self) -> None:
        """In the child of a fork: forget the file, touch nothing of it."""
        self._is_closed = True
        self._aside = None
        self._group.leave_to_parent()
        if self._lock is not None:
            self._lock.release()  # else the child would keep it when the parent dies
        _of_parents.append((self._writer, self._pool))


def _take_lock(path: Path) -> WorkerLock:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return WorkerLock(path)
    except OSError as error:
        raise not_writable(path, error) from error


def _data_version(conn: sqlite3.Connection) -> int:
    version: int = conn.execute("PRAGMA data_version").fetchone()[0]
    return version


_open_stores: Final[weakref.WeakSet[Store]] = weakref.WeakSet()
_of_parents: Final[list[object]] = []
"""SQLite connections must not be carried over a fork, closing included: the child keeps them, and leaves them alone."""


def _after_fork_in_child() -> None:
    for store in list(_open_stores):
        store.leave_to_parent()
    _open_stores.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
