"""The hub: slices in greenlets on one thread, that commit together and wait without holding each other up."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from milepost.engine.worker import Signal
from milepost.errors import StateFileError
from milepost.local.hub import Hub, HubClock
from milepost.local.store import Store
from milepost.wall_clock import SystemClock

PATIENCE_S = 30.0


def insert(ref: str) -> Callable[[sqlite3.Connection], str]:
    def op(conn: sqlite3.Connection) -> str:
        conn.execute("INSERT INTO blobs (ref, data) VALUES (?, x'00')", (ref,))
        return ref

    return op


def refs(store: Store) -> list[str]:
    rows = store.read(lambda conn: conn.execute("SELECT ref FROM blobs ORDER BY ref").fetchall())
    return [row[0] for row in rows]


class Bench:
    """A hub and the slices that it is to take."""

    def __init__(self, store: Store, most: int = 100) -> None:
        self.store = store
        self._to_take: list[Callable[[], None]] = []
        self.failures: list[BaseException] = []
        self.raised: list[Exception] = []
        self.taken: list[int] = []
        self.hub = Hub(store, self._take, most=most, failed=self.failures.append)

    def _take(self, most: int) -> list[Callable[[], None]]:
        taken, self._to_take = self._to_take[:most], self._to_take[most:]
        self.taken.append(len(taken))
        return taken

    def begin(self, *slices: Callable[[], object]) -> None:
        self._to_take += [self._noting(slice_) for slice_ in slices]
        self.hub.poke()

    def _noting(self, slice_: Callable[[], object]) -> Callable[[], None]:
        def noting() -> None:
            try:
                slice_()
            except Exception as error:  # noqa: BLE001 - as the loop does, who logs it
                self.raised.append(error)

        return noting

    def end(self) -> None:
        self.hub.stop()
        assert self.hub.join(PATIENCE_S)
        assert self.failures == []


@pytest.fixture
def bench(file_store: Store) -> Iterator[Bench]:
    bench = Bench(file_store)
    yield bench
    bench.end()


def run(bench: Bench, *slices: Callable[[], object]) -> None:
    """All of them, from the same moment, to their end."""
    ended = threading.Semaphore(0)

    def ending(slice_: Callable[[], object]) -> Callable[[], None]:
        def whole() -> None:
            try:
                slice_()
            finally:
                ended.release()

        return whole

    bench.begin(*map(ending, slices))
    bench.hub.start()
    for _ in slices:
        assert ended.acquire(timeout=PATIENCE_S)


# ---- committing ------------------------------------------------------------------------------------------------------


def test_what_many_slices_write_is_one_transaction_and_one_fsync(bench: Bench) -> None:
    def slice_of(number: int) -> Callable[[], None]:
        def twice() -> None:
            assert bench.store.commit(insert(f"a{number:02}")) == f"a{number:02}"
            assert bench.store.commit(insert(f"b{number:02}")) == f"b{number:02}"

        return twice

    run(bench, *map(slice_of, range(50)))
    assert bench.raised == []
    assert len(refs(bench.store)) == 100
    assert (bench.store.commits, bench.store.fsyncs) == (2, 2)


def fail_clean(_conn: sqlite3.Connection) -> None:
    raise LookupError("before any write")


def fail_dirty(conn: sqlite3.Connection) -> None:
    insert("half")(conn)
    raise LookupError("after a write")


@pytest.mark.parametrize("fail", [fail_clean, fail_dirty])
def test_a_failed_operation_is_its_own_slice_s_affair(bench: Bench, fail: Callable[[sqlite3.Connection], None]) -> None:
    run(
        bench,
        lambda: bench.store.commit(insert("before")),
        lambda: bench.store.commit(fail),
        lambda: bench.store.commit(insert("after")),
    )
    assert [type(error) for error in bench.raised] == [LookupError]
    assert refs(bench.store) == ["after", "before"]


def test_what_need_not_be_durable_costs_no_fsync(bench: Bench) -> None:
    run(bench, *(partial(bench.store.commit, insert(ref), durable=False) for ref in "abc"))
    assert (bench.store.commits, bench.store.fsyncs) == (1, 0)


def test_other_threads_commit_as_ever(bench: Bench) -> None:
    bench.hub.start()
    assert bench.store.commit(insert("mine")) == "mine"
    assert refs(bench.store) == ["mine"]


def test_a_commit_within_a_running_asyncio_loop_switches_to_nobody(bench: Bench) -> None:
    seen: list[object] = []

    async def body() -> None:
        bench.store.commit(insert("within"))
        seen.append("after the commit")

    def other() -> None:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.get_running_loop()
        seen.append("the other")

    run(bench, lambda: asyncio.run(body()), other)
    assert seen == ["after the commit", "the other"]
    assert bench.raised == []


def test_slices_of_a_closed_file_are_told(file_store: Store) -> None:
    bench = Bench(file_store)
    file_store.close()
    run(bench, *[lambda: file_store.commit(insert("late"))] * 3)
    assert [type(error) for error in bench.raised] == [StateFileError] * 3
    bench.end()


# ---- waiting ---------------------------------------------------------------------------------------------------------


def test_a_slice_that_waits_is_woken_by_another_thread_and_holds_up_nobody(bench: Bench) -> None:
    order: list[str] = []
    signals: list[Signal] = []
    other_is_done = threading.Event()

    def waiting() -> None:
        signal = bench.hub.signal()
        signals.append(signal)
        assert signal.wait(PATIENCE_S)
        order.append("woken")

    def other() -> None:
        bench.store.commit(insert("other"))
        order.append("other")
        other_is_done.set()

    def waker() -> None:
        assert other_is_done.wait(PATIENCE_S)
        signals[0].set()

    thread = threading.Thread(target=waker)
    thread.start()
    run(bench, waiting, other)
    thread.join()
    assert order == ["other", "woken"]


def test_a_thousand_words_from_other_threads_are_all_heard(bench: Bench) -> None:
    heard: list[int] = []

    def slice_of(number: int) -> Callable[[], None]:
        def listening() -> None:
            signal = bench.hub.signal()
            for _ in range(20):
                signal.clear()
                threading.Thread(target=signal.set).start()
                assert signal.wait(PATIENCE_S)
            heard.append(number)

        return listening

    run(bench, *map(slice_of, range(50)))
    assert sorted(heard) == list(range(50))
    assert bench.raised == []


def in_a_slice(bench: Bench, check: Callable[[Signal], object]) -> None:
    run(bench, lambda: check(bench.hub.signal()))
    assert bench.raised == []


def on_a_thread(bench: Bench, check: Callable[[Signal], object]) -> None:
    bench.hub.start()
    check(threading.Event())


@pytest.mark.parametrize("where", [in_a_slice, on_a_thread])
class TestSignal:
    def test_what_was_set_before_is_not_waited_for(self, bench: Bench, where: Callable[..., None]) -> None:
        def check(signal: Signal) -> None:
            signal.set()
            signal.set()
            assert signal.wait()
            assert signal.wait(0)

        where(bench, check)

    def test_what_is_not_set_is_waited_for_until_the_time_is_up(self, bench: Bench, where: Callable[..., None]) -> None:
        def check(signal: Signal) -> None:
            assert not signal.wait(0)
            assert not signal.wait(0.005)

        where(bench, check)

    def test_what_is_cleared_has_to_be_set_again(self, bench: Bench, where: Callable[..., None]) -> None:
        def check(signal: Signal) -> None:
            signal.set()
            signal.clear()
            assert not signal.wait(0)
            signal.set()
            assert signal.wait(0)

        where(bench, check)

    def test_a_time_that_was_up_wakes_no_later_wait(self, bench: Bench, where: Callable[..., None]) -> None:
        def check(signal: Signal) -> None:
            setter = threading.Timer(0.005, signal.set)
            setter.start()
            assert signal.wait(0.05)  # its time is still kept
            setter.join()
            signal.clear()
            assert not signal.wait(0.1)

        where(bench, check)


def test_slices_let_time_pass_together(bench: Bench) -> None:
    clock = SystemClock()
    hub_clock = HubClock(clock, bench.hub)
    waited: list[int] = []

    def waiting() -> None:
        begun = clock.now_ms()
        assert hub_clock.wait(40)
        waited.append(clock.now_ms() - begun)

    begun = clock.now_ms()
    run(bench, *[waiting] * 50)
    assert min(waited) >= 39  # both reads round to whole milliseconds
    assert clock.now_ms() - begun < 50 * 40


def test_off_the_hub_its_clock_and_signals_are_plain(bench: Bench) -> None:
    bench.hub.start()
    assert isinstance(bench.hub.signal(), threading.Event)
    assert HubClock(SystemClock(), bench.hub).wait(1)
    assert HubClock(SystemClock(), bench.hub).wait(0)


# ---- slices ----------------------------------------------------------------------------------------------------------


def test_each_slice_has_a_context_of_its_own(bench: Bench) -> None:
    variable: ContextVar[str] = ContextVar("variable", default="nobody")
    seen: list[tuple[str, str]] = []

    def slice_of(name: str) -> Callable[[], None]:
        def setting() -> None:
            before = variable.get()
            variable.set(name)
            bench.store.commit(insert(name))
            seen.append((before, variable.get()))

        return setting

    run(bench, *map(slice_of, "abc"))
    assert sorted(seen) == [("nobody", "a"), ("nobody", "b"), ("nobody", "c")]


def test_no_more_slices_than_allowed_run_at_once(file_store: Store) -> None:
    bench = Bench(file_store, most=3)
    live, most = [0], [0]

    def slice_() -> None:
        live[0] += 1
        most[0] = max(most[0], live[0])
        file_store.commit(lambda conn: conn.execute("SELECT 1").fetchone())
        live[0] -= 1

    run(bench, *[slice_] * 10)
    assert most[0] == 3
    bench.end()


def test_stopping_lets_slices_end_and_takes_no_more(bench: Bench) -> None:
    signals: list[Signal] = []
    is_waiting = threading.Event()
    ended: list[str] = []

    def waiting() -> None:
        signals.append(bench.hub.signal())
        is_waiting.set()
        signals[0].wait()
        bench.store.commit(insert("last"))
        ended.append("waiting")

    bench.begin(waiting)
    bench.hub.start()
    assert is_waiting.wait(PATIENCE_S)
    bench.hub.stop()
    bench.begin(lambda: ended.append("too late"))
    assert not bench.hub.join(0)
    signals[0].set()
    assert bench.hub.join(PATIENCE_S)
    assert ended == ["waiting"]
    assert refs(bench.store) == ["last"]


def test_what_ends_the_hub_is_told(file_store: Store) -> None:
    failures: list[BaseException] = []

    def broken(_most: int) -> Any:
        raise StateFileError("gone")

    hub = Hub(file_store, broken, most=1, failed=failures.append)
    hub.start()
    assert hub.join(PATIENCE_S)
    assert [type(failure) for failure in failures] == [StateFileError]


def test_greenlet_is_loaded_with_the_hub_only(tmp_path: Path) -> None:
    from tests.local.processes import run as run_in_process

    assert run_in_process("import milepost.local; print('greenlet' in sys.modules)", tmp_path / "unused") == "False"
