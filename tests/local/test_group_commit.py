"""Commits that share an fsync, and what one does to the others."""

import sqlite3
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from milepost.engine.ports import ConditionFailed, Key
from milepost.errors import StateFileError
from milepost.local.store import Store


def insert(ref: str) -> Callable[[sqlite3.Connection], str]:
    def op(conn: sqlite3.Connection) -> str:
        conn.execute("INSERT INTO blobs (ref, data) VALUES (?, x'00')", (ref,))
        return ref

    return op


def refs(store: Store) -> list[str]:
    rows = store.read(lambda conn: conn.execute("SELECT ref FROM blobs ORDER BY ref").fetchall())
    return [row[0] for row in rows]


class _Signalling(deque[Any]):
    """The queue of commits, that says when somebody came."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Semaphore(0)

    def append(self, ticket: Any, /) -> None:
        super().append(ticket)
        self.came.release()


class Rush:
    """Threads that commit while a leader is inside its own operation."""

    def __init__(self, store: Store, pool: ThreadPoolExecutor, go_on: threading.Event, queue: _Signalling) -> None:
        self._store = store
        self._pool = pool
        self.queue = queue
        self.go_on = go_on
        self.leader: Future[str]

    def commit(self, op: Callable[[sqlite3.Connection], Any], *, durable: bool = True) -> Future[Any]:
        future = self._pool.submit(self._store.commit, op, durable=durable)
        self.queue.came.acquire()
        return future


@contextmanager
def rush(store: Store, *, durable: bool = True) -> Generator[Rush, None, None]:
    """A leader is in its operation when the block begins, and goes on when the block ends."""
    queue, inside, go_on = _Signalling(), threading.Event(), threading.Event()
    store._group._queue = queue  # pyright: ignore[reportPrivateUsage]

    def lead(conn: sqlite3.Connection) -> str:
        inside.set()
        assert go_on.wait(30)
        return insert("leader")(conn)

    with ThreadPoolExecutor(32) as pool:
        try:
            rushing = Rush(store, pool, go_on, queue)
            rushing.leader = rushing.commit(lead, durable=durable)
            assert inside.wait(30)
            yield rushing
        finally:
            go_on.set()


def test_an_operation_returns_its_result(store: Store) -> None:
    assert store.commit(insert("a")) == "a"
    assert refs(store) == ["a"]


def test_a_commit_costs_one_fsync_and_memory_none(store: Store) -> None:
    for number in range(5):
        store.commit(insert(str(number)))
    assert (store.commits, store.fsyncs) == (5, 0 if store.path is None else 5)


def test_a_commit_that_writes_nothing_costs_nothing(store: Store) -> None:
    store.commit(lambda conn: conn.execute("SELECT 1").fetchone())
    store.commit(lambda conn: conn.execute("DELETE FROM blobs"))
    assert (store.commits, store.fsyncs) == (0, 0)


def test_a_commit_that_need_not_be_durable_costs_no_fsync(file_store: Store) -> None:
    file_store.commit(insert("a"), durable=False)
    assert (file_store.commits, file_store.fsyncs) == (1, 0)
    file_store.commit(insert("b"))
    assert (file_store.commits, file_store.fsyncs) == (2, 1)


def test_those_who_come_while_one_commits_share_one_fsync(file_store: Store) -> None:
    with rush(file_store) as rushing:
        others = [rushing.commit(insert(f"{number:02}")) for number in range(20)]
    assert [other.result() for other in others] == [f"{number:02}" for number in range(20)]
    assert len(refs(file_store)) == 21
    assert file_store.fsyncs <= 2


def test_many_threads_need_fewer_fsyncs_than_commits(file_store: Store) -> None:
    start = threading.Barrier(16)

    def work(thread: int) -> None:
        start.wait()
        for number in range(40):
            file_store.commit(insert(f"{thread}-{number}"))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    assert len(refs(file_store)) == 640
    assert file_store.fsyncs < 320


def fail_clean(_conn: sqlite3.Connection) -> None:
    raise LookupError("before any write")


def fail_dirty(conn: sqlite3.Connection) -> None:
    insert("half")(conn)
    raise LookupError("after a write")


@pytest.mark.parametrize("fail", [fail_clean, fail_dirty])
def test_a_failed_operation_raises_and_leaves_nothing(store: Store, fail: Callable[[sqlite3.Connection], None]) -> None:
    with pytest.raises(LookupError):
        store.commit(fail)
    assert refs(store) == []
    store.commit(insert("next"))
    assert refs(store) == ["next"]


@pytest.mark.parametrize("fail", [fail_clean, fail_dirty])
def test_a_failed_operation_harms_nobody_in_its_transaction(store: Store, fail: Callable[[sqlite3.Connection], None]) -> None:
    with rush(store) as rushing:
        before, failing, after = rushing.commit(insert("before")), rushing.commit(fail), rushing.commit(insert("after"))
    assert rushing.leader.result() == "leader"
    assert (before.result(), after.result()) == ("before", "after")
    with pytest.raises(LookupError):
        failing.result()
    assert refs(store) == ["after", "before", "leader"]


def test_a_refusal_keeps_nothing_of_its_transaction_alive(store: Store) -> None:
    """Who was refused may hold the error while it waits for the next commit, and hundreds do."""
    kept: list[weakref.ref[Any]] = []

    def refuse(_conn: sqlite3.Connection) -> None:
        rows = {"what the transaction has read"}
        kept.append(weakref.ref(rows))
        raise ConditionFailed(Key("pk", "sk"), None)

    with pytest.raises(ConditionFailed) as refused:
        store.commit(refuse)
    assert refused.value is not None
    assert kept[0]() is None


def test_an_error_of_sqlite_itself_harms_nobody(store: Store) -> None:
    store.commit(insert("twice"))
    with rush(store) as rushing:
        failing, fine = rushing.commit(insert("twice")), rushing.commit(insert("fine"))
    with pytest.raises(sqlite3.IntegrityError):
        failing.result()
    assert fine.result() == "fine"
    assert refs(store) == ["fine", "leader", "twice"]


def test_an_interrupted_leader_leaves_the_others_to_the_next(store: Store) -> None:
    interrupts = [KeyboardInterrupt]

    def interrupted(conn: sqlite3.Connection) -> str:
        if interrupts:
            raise interrupts.pop()
        return insert("middle")(conn)

    done: list[str] = []
    store.commit_later(insert("later"), then=lambda: done.append("later"))
    with rush(store) as rushing:
        others = [rushing.commit(op) for op in (insert("first"), interrupted, insert("last"))]
    assert isinstance(rushing.leader.exception(), KeyboardInterrupt)
    assert [other.result() for other in others] == ["first", "middle", "last"]
    assert (refs(store), done) == (["first", "last", "later", "middle"], ["later"])
    store.commit(insert("next"))


def test_a_full_disk_is_told_to_all_and_can_be_recovered_from(file_store: Store) -> None:
    pages = file_store.read(lambda conn: conn.execute("PRAGMA page_count").fetchone()[0])
    file_store.commit(lambda conn: conn.execute(f"PRAGMA max_page_count = {pages}").fetchone(), durable=True)

    def large(ref: str) -> Callable[[sqlite3.Connection], int]:
        return lambda conn: conn.execute("INSERT INTO blobs (ref, data) VALUES (?, zeroblob(1000000))", (ref,)).rowcount

    with rush(file_store) as rushing:
        results = [rushing.commit(large(str(number))) for number in range(3)]
    for result in results:
        with pytest.raises(sqlite3.OperationalError, match="full"):
            result.result()
    file_store.commit(lambda conn: conn.execute("PRAGMA max_page_count = 1000000").fetchone())
    file_store.commit(large("fits"))
    assert refs(file_store) == ["fits", "leader"]


def test_a_commit_that_fails_as_a_whole_is_told_to_all(file_store: Store) -> None:
    """A deferred constraint is checked by COMMIT itself: nobody's operation raised, and nothing of the batch happened."""
    writer = file_store._writer  # pyright: ignore[reportPrivateUsage]
    for statement in (
        "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
        "CREATE TABLE children (id INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)",
    ):
        writer.execute(statement)
    writer.execute("PRAGMA foreign_keys = ON")
    waiting: list[str] = []
    file_store.commit_later(insert("later"), then=lambda: waiting.append("done"))
    with rush(file_store) as rushing:
        orphan = rushing.commit(lambda conn: conn.execute("INSERT INTO children VALUES (1)").rowcount)
        other = rushing.commit(insert("other"))
    errors = [future.exception() for future in (rushing.leader, orphan, other)]
    assert all(isinstance(error, sqlite3.IntegrityError) for error in errors)
    assert len({id(error) for error in errors}) == 3
    assert (refs(file_store), waiting) == ([], [])
    file_store.flush()
    assert (refs(file_store), waiting) == (["later"], ["done"])


# ---- later -----------------------------------------------------------------------------------------------------------


def test_what_waits_joins_the_next_commit_and_comes_first(store: Store) -> None:
    order: list[str] = []
    store.commit_later(lambda conn: order.append(insert("later")(conn)), then=lambda: order.append("then"))
    assert refs(store) == []
    store.commit(lambda conn: order.append(insert("now")(conn)))
    assert order == ["later", "now", "then"]
    assert refs(store) == ["later", "now"]
    assert store.commits == 1


def test_a_flush_commits_what_waits_without_an_fsync(store: Store) -> None:
    done: list[int] = []
    for number in range(3):
        store.commit_later(insert(str(number)), then=lambda number=number: done.append(number))  # type: ignore[misc]
    store.flush()
    assert refs(store) == ["0", "1", "2"]
    assert done == [0, 1, 2]
    assert (store.commits, store.fsyncs) == (1, 0)


def test_a_flush_of_nothing_does_nothing(store: Store) -> None:
    store.flush()
    assert store.commits == 0


def test_closing_commits_what_waits(tmp_path: Path) -> None:
    with Store(tmp_path / "state.db") as store:
        store.commit_later(insert("later"))
    with Store(tmp_path / "state.db") as store:
        assert refs(store) == ["later"]


@pytest.mark.parametrize("fail", [fail_clean, fail_dirty])
def test_an_operation_that_waits_and_fails_harms_nobody_and_is_told_by_flush(
    store: Store, fail: Callable[[sqlite3.Connection], None]
) -> None:
    failing = [True]
    store.commit_later(insert("fine"))
    store.commit_later(lambda conn: fail(conn) if failing[0] else None)
    assert store.commit(insert("now")) == "now"
    assert refs(store) == ["now"]
    with pytest.raises(LookupError):
        store.flush()
    failing[0] = False
    store.flush()
    assert refs(store) == ["fine", "now"]


def test_a_commit_that_must_be_durable_does_not_join_one_that_need_not(file_store: Store) -> None:
    with rush(file_store, durable=False) as rushing:
        durable = rushing.commit(insert("durable"))
    assert durable.result() == "durable"
    assert (file_store.commits, file_store.fsyncs) == (2, 1)


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_a_read_waits_for_no_commit_and_sees_nothing_of_it(file_store: Store) -> None:
    file_store.commit(insert("before"))
    with rush(file_store) as rushing:
        assert refs(file_store) == ["before"]
    assert rushing.leader.result() == "leader"
    assert refs(file_store) == ["before", "leader"]


def test_what_was_committed_is_read_by_every_thread(store: Store) -> None:
    def work(number: int) -> bool:
        ref = f"{number:03}"
        store.commit(insert(ref))
        return ref in refs(store)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(200)))


def test_a_read_cannot_write(file_store: Store) -> None:
    with pytest.raises(StateFileError, match="cannot be opened for writing"):
        file_store.read(insert("a"))


# ---- the end ---------------------------------------------------------------------------------------------------------


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    for use in (lambda: store.commit(insert("a")), lambda: store.read(insert("a")), lambda: store.commit_later(insert("a")), store.flush):
        with pytest.raises(StateFileError, match="closed"):
            use()


def test_closing_waits_for_those_who_came_before(file_store: Store) -> None:
    with rush(file_store) as rushing:
        other = rushing.commit(insert("other"))
        with ThreadPoolExecutor(1) as closer:
            closing = closer.submit(file_store.close)
            rushing.queue.came.acquire()
            rushing.go_on.set()
            closing.result()
    assert (rushing.leader.result(), other.result()) == ("leader", "other")


def test_a_reader_may_still_read_while_the_store_is_closed_and_its_connection_goes_with_it(file_store: Store) -> None:
    def close_meanwhile(conn: sqlite3.Connection) -> sqlite3.Connection:
        file_store.close()
        assert conn.execute("SELECT 7").fetchone() == (7,)
        return conn

    conn = file_store.read(close_meanwhile)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        conn.execute("SELECT 7")


def test_listeners_are_told(store: Store) -> None:
    told: list[str] = []
    store.listen(lambda: told.append("one"))
    store.listen(lambda: told.append("two"))
    store.announce()
    assert told == ["one", "two"]
