"""The table port under sixteen threads: a condition is tested and the write made in one step."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from milepost.engine.ports import Absent, Change, ConditionFailed, Equals, Key, LessThan, Put, Table, TransactionFailed, Update

THREADS = 16
KEY = Key("run#1", "run")


def test_of_many_puts_one_wins_and_all_losers_see_it(table: Table) -> None:
    def owner(thread: int, step: int) -> Any:
        try:
            table.put({"pk": "run#1", "sk": f"{step}", "owner": thread}, Absent())
        except ConditionFailed as failed:
            return failed.item and failed.item["owner"]
        return thread

    def compete(thread: int) -> list[Any]:
        return [owner(thread, step) for step in range(20)]

    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(compete, range(THREADS)))
    assert all(owners == seen[0] for owners in seen)
    assert set(seen[0]) <= set(range(THREADS))


def test_no_addition_is_lost(table: Table) -> None:
    table.put({"pk": "run#1", "sk": "run", "n": 0})

    def add(_thread: int) -> None:
        for _ in range(25):
            table.update(KEY, Change(add={"n": 1}))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(add, range(THREADS)))
    item = table.get(KEY)
    assert item is not None
    assert item["n"] == THREADS * 25


def test_a_limit_of_slots_holds(table: Table) -> None:
    table.put({"pk": "run#1", "sk": "run", "n": 0})

    def take(_thread: int) -> int:
        taken = 0
        for _ in range(5):
            try:
                table.update(KEY, Change(add={"n": 1}), LessThan("n", 40))
                taken += 1
            except ConditionFailed:
                pass
        return taken

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(take, range(THREADS))) == 40


def test_compare_and_swap_serialises(table: Table) -> None:
    table.put({"pk": "run#1", "sk": "run", "epoch": 0, "log": []})

    def acquire(thread: int) -> int:
        wins = 0
        while wins < 5:
            item = table.get(KEY)
            assert item is not None
            change = Change(set={"epoch": item["epoch"] + 1, "log": [*item["log"], thread]})
            try:
                table.update(KEY, change, Equals("epoch", item["epoch"]))
                wins += 1
            except ConditionFailed:
                pass
        return wins

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(acquire, range(THREADS)))
    item = table.get(KEY)
    assert item is not None
    assert item["epoch"] == THREADS * 5
    assert Counter(item["log"]) == dict.fromkeys(range(THREADS), 5)


def test_a_transaction_is_seen_whole_or_not_at_all(table: Table) -> None:
    keys = [Key("pair", "left"), Key("pair", "right")]
    table.transact([Put({"pk": key.pk, "sk": key.sk, "n": 0}) for key in keys])

    def work(thread: int) -> bool:
        for _ in range(10):
            page = table.query("pair")
            left, right = (item["n"] for item in page.items)
            if left != right:
                return False
            if thread % 2:
                with suppress(TransactionFailed):
                    table.transact([Update(key, Change(set={"n": left + 1}), Equals("n", left)) for key in keys])
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(work, range(THREADS)))
    left, right = (item["n"] for item in table.query("pair").items)
    assert left == right > 0


def test_what_a_thread_has_written_every_thread_sees(table: Table) -> None:
    def write_and_look(thread: int) -> bool:
        table.put({"pk": "seen", "sk": f"{thread:02}"})
        with ThreadPoolExecutor(1) as other:
            return other.submit(table.get, Key("seen", f"{thread:02}")).result() is not None

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(write_and_look, range(THREADS)))
