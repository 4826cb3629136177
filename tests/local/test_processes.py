"""Several processes on one state file, and the death of any of them."""

import os
from pathlib import Path

import pytest

from milepost.engine.ports import Key, Outgoing
from milepost.errors import StateFileError
from milepost.local.mailbox import Mailbox
from milepost.local.queue import LocalQueue
from milepost.local.store import Store
from milepost.local.table import LocalTable
from milepost.wall_clock import SystemClock
from tests.local.processes import kill_9, next_line, python, run

WORK = """
with Store(path) as store:
    print("open")
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


# ---- the worker's lock -----------------------------------------------------------------------------------------------


def test_a_second_worker_is_refused_by_the_first_ones_pid(path: Path) -> None:
    with python(WORK, path) as first:
        assert next_line(first) == "open"
        with pytest.raises(StateFileError, match=rf"already has a worker \(process {first.pid}\): stop that one first"):
            Store(path)


def test_a_second_worker_in_the_same_process_is_refused(path: Path) -> None:
    with Store(path), pytest.raises(StateFileError, match=f"process {os.getpid()}"):
        Store(path)
    Store(path).close()


def test_a_worker_that_was_refused_does_not_take_the_lock_from_the_first(path: Path) -> None:
    with Store(path):
        for _ in range(3):
            with pytest.raises(StateFileError):
                Store(path)


def test_the_lock_goes_with_a_worker_that_is_killed(path: Path) -> None:
    with python(WORK, path) as first:
        assert next_line(first) == "open"
        kill_9(first)
        Store(path).close()


def test_the_lock_goes_with_the_worker_though_its_child_lives(path: Path) -> None:
    script = """
store = Store(path)
if os.fork() == 0:
    print("the child lives")
    sys.stdin.readline()
    os._exit(0)
os.wait()
"""
    with python(script, path) as first:
        assert next_line(first) == "the child lives"
        kill_9(first)
        Store(path).close()
        first.communicate("the child may end")


def test_a_store_is_the_parents(path: Path) -> None:
    script = """
store = Store(path)
table = LocalTable(store)
table.put({"pk": "run#1", "sk": "parent"})
if os.fork() == 0:
    for use in (lambda: table.put({"pk": "run#1", "sk": "child"}), lambda: table.query("run#1"), store.flush):
        try:
            use()
        except StateFileError as error:
            print(error, flush=True)
    store.close()
    with Store(path, role="client") as own:
        LocalTable(own).put({"pk": "run#1", "sk": "child"})
    os._exit(0)
os.wait()
table.put({"pk": "run#1", "sk": "later"})
print([item["sk"] for item in table.query("run#1").items])
store.close()
"""
    *refusals, last = run(script, path).splitlines()
    assert len(refusals) == 3
    assert all("open a store of your own (also after a fork)" in refusal for refusal in refusals)
    assert last == "['child', 'later', 'parent']"


# ---- a client beside a worker ----------------------------------------------------------------------------------------


def test_a_client_works_beside_a_worker_which_notices(path: Path) -> None:
    client = """
with Store(path, role="client") as store:
    LocalQueue(store, SystemClock()).send([Outgoing("g", "from a client")])
    print(LocalTable(store).get(Key("run#1", "run")))
"""
    with Store(path) as store:
        LocalTable(store).put({"pk": "run#1", "sk": "run"})
        store.changed_elsewhere()
        assert not store.changed_elsewhere()
        LocalTable(store).put({"pk": "run#1", "sk": "own"})
        assert not store.changed_elsewhere()
        assert run(client, path) == "{'pk': 'run#1', 'sk': 'run'}"
        assert store.changed_elsewhere()
        assert not store.changed_elsewhere()
        clock = SystemClock()
        assert [message.body for message in Mailbox(store, clock).receive(clock.now_ms(), 10)] == ["from a client"]


def test_two_processes_write_at_once_and_lose_nothing(path: Path) -> None:
    script = """
with Store(path, role="client") as store:
    table = LocalTable(store)
    table.write_many([Put({"pk": "count", "sk": "n", "n": 0}, Absent())])
    for _ in range(100):
        table.update(Key("count", "n"), Change(add={"n": 1}))
"""
    with python(script, path) as one, python(script, path) as other:
        for process in (one, other):
            _, err = process.communicate()
            assert process.returncode == 0, err
    with Store(path) as store:
        assert LocalTable(store).get(Key("count", "n")) == {"pk": "count", "sk": "n", "n": 200}


# ---- kill -9 ---------------------------------------------------------------------------------------------------------

WRITE = """
import threading
store = Store(path)
table, queue = LocalTable(store), LocalQueue(store, SystemClock())

def work(thread):
    number = 0
    while True:
        table.put({"pk": f"run#{thread}", "sk": f"{number:06}", "body": "x" * 500}, Absent())
        queue.send([Outgoing("g", f"{thread} {number}")])
        os.write(1, f"{thread} {number}\\n".encode())
        number += 1

for thread in range(4):
    threading.Thread(target=work, args=(thread,)).start()
"""


@pytest.mark.parametrize("lines", [1, 40, 333])
def test_what_returned_outlives_kill_9(path: Path, lines: int) -> None:
    with python(WRITE, path) as process:
        printed = [next_line(process) for _ in range(lines)]
        process.kill()
        assert process.stdout is not None
        rest = process.stdout.read()  # not communicate(), which passes over what has been read ahead
    done = [tuple(map(int, line.split())) for line in [*printed, *rest.splitlines()]]
    with Store(path) as store:
        table, clock = LocalTable(store), SystemClock()
        assert store.read(lambda conn: conn.execute("PRAGMA integrity_check").fetchall()) == [("ok",)]
        missing = [each for each in done if table.get(Key(f"run#{each[0]}", f"{each[1]:06}")) is None]
        received = {message.body for message in Mailbox(store, clock).receive(clock.now_ms(), 10**6)}
    assert len(done) >= lines
    assert missing == []
    assert {f"{thread} {number}" for thread, number in done} <= received
    assert len(received) <= len(done) + 4


def test_a_killed_workers_messages_come_again_and_acknowledged_ones_do_not(path: Path) -> None:
    script = """
store, clock = Store(path), SystemClock()
queue, mailbox = LocalQueue(store, clock), Mailbox(store, clock)
queue.send([Outgoing("g", body) for body in ("done", "in flight", "not taken")])
done, in_flight = mailbox.receive(clock.now_ms(), 2)
mailbox.ack(done.id)
LocalTable(store).put({"pk": "any", "sk": "commit"})
print("ready")
sys.stdin.readline()
"""
    with python(script, path) as process:
        assert next_line(process) == "ready"
        kill_9(process)
    with Store(path) as store:
        clock = SystemClock()
        received = Mailbox(store, clock).receive(clock.now_ms(), 10)
        assert [(message.body, message.deliveries) for message in received] == [("in flight", 2), ("not taken", 1)]


def test_an_idle_flush_outlives_kill_9(path: Path) -> None:
    script = """
store, clock = Store(path), SystemClock()
queue, mailbox = LocalQueue(store, clock), Mailbox(store, clock)
queue.send([Outgoing("g", "done")])
[done] = mailbox.receive(clock.now_ms(), 2)
mailbox.ack(done.id)
fsyncs = store.fsyncs
store.flush()
print(store.fsyncs - fsyncs)
sys.stdin.readline()
"""
    with python(script, path) as process:
        assert next_line(process) == "0"
        kill_9(process)
    with Store(path) as store:
        LocalQueue(store, SystemClock()).send([Outgoing("g", "next")])
        assert [m.body for m in Mailbox(store, SystemClock()).receive(SystemClock().now_ms(), 10)] == ["next"]


def test_a_process_killed_while_it_makes_the_file_leaves_one_that_opens(path: Path) -> None:
    script = """
import sqlite3
def die(conn):
    conn.execute("CREATE TABLE half (n)")
    os.kill(os.getpid(), 9)
from milepost.local.schema import Schema, SCHEMA
import milepost.local.schema as schema
schema._number = lambda conn, pragma, number=schema._number: die(conn) if conn.in_transaction else number(conn, pragma)
Store(path)
"""
    with python(script, path) as process:
        process.wait()
        assert process.returncode == -9
    Store(path).close()
