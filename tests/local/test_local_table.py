"""What the local table does beyond the contract: what it costs, the end of dead workers' leases, expiry."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from milepost.engine.ports import BY_FUNCTION, DUE, Absent, Change, ConditionFailed, Equals, Key, Put, Table
from milepost.local.blobs import LocalBlobs
from milepost.local.store import Store
from milepost.local.table import LocalTable, successor


@pytest.fixture
def table(store: Store) -> LocalTable:
    return LocalTable(store)


def test_it_is_a_table(store: Store) -> None:
    port: Table = LocalTable(store)
    assert port.get(Key("a", "b")) is None


# ---- cost ------------------------------------------------------------------------------------------------------------


def test_every_call_that_writes_is_one_fsync_and_reads_are_none(file_store: Store) -> None:
    table = LocalTable(file_store)
    table.put({"pk": "a", "sk": "0"}, Absent())
    table.put({"pk": "a", "sk": "0", "n": 1})
    table.update(Key("a", "0"), Change(add={"n": 1}))
    table.delete(Key("a", "0"))
    table.write_many([Put({"pk": "a", "sk": str(number)}) for number in range(50)])
    table.transact([Put({"pk": "b", "sk": str(number)}) for number in range(50)])
    assert file_store.fsyncs == 6
    table.get(Key("a", "1"))
    table.query("a")
    table.get_many([Key("a", "1")])
    table.query_index(DUE, "0")
    assert file_store.fsyncs == 6


def test_a_failed_condition_costs_no_fsync(file_store: Store) -> None:
    table = LocalTable(file_store)
    table.put({"pk": "a", "sk": "0"})
    for condition in (Absent(), Equals("n", 1)):
        with pytest.raises(ConditionFailed):
            table.put({"pk": "a", "sk": "0"}, condition)
    assert file_store.fsyncs == 1


def test_the_same_blob_is_written_once(file_store: Store) -> None:
    blobs = LocalBlobs(file_store)
    blobs.put(b"x" * 1_000)
    blobs.put(b"x" * 1_000)
    assert file_store.fsyncs == 1


def plans(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The plans of all queries made from now on."""
    seen: list[str] = []
    read = store.read

    class Explaining:
        def __init__(self, conn: sqlite3.Connection) -> None:
            self._conn = conn

        def execute(self, sql: str, values: Any = ()) -> sqlite3.Cursor:
            seen.extend(row[3] for row in self._conn.execute(f"EXPLAIN QUERY PLAN {sql}", values))
            return self._conn.execute(sql, values)

    def explained(op: Callable[[Any], Any]) -> Any:
        return read(lambda conn: op(Explaining(conn)))

    monkeypatch.setattr(store, "read", explained)
    return seen


@pytest.mark.parametrize("backwards", [False, True])
def test_no_query_looks_at_more_than_it_returns(store: Store, monkeypatch: pytest.MonkeyPatch, backwards: bool) -> None:
    table = LocalTable(store)
    seen = plans(store, monkeypatch)
    table.query("p", "prefix", after="prefix#1", backwards=backwards)
    table.query_index(BY_FUNCTION, "f#0", before=5, after='[1,"a","b"]', backwards=backwards)
    table.query_index(DUE, "0", before=5, backwards=backwards)
    table.expire(5)
    after = "<" if backwards else ">"
    assert seen == [
        "SEARCH items USING PRIMARY KEY (pk=? AND sk>? AND sk<?)",
        f"SEARCH items USING INDEX items_by_function (fn_shard=? AND (created_at,pk,sk){after}(?,?,?))",
        "SEARCH items USING INDEX items_due (due_shard=? AND next_due<?)",
        "SEARCH items USING COVERING INDEX items_expiring (ttl<?)",
    ]


# ---- recovery --------------------------------------------------------------------------------------------------------


def test_recovery_ends_every_lease_and_nothing_else(table: LocalTable) -> None:
    leased = {"pk": "run#1", "sk": "run", "lease_until": 1_800_000_000_000, "owner": "m-1", "fn_shard": "f", "created_at": 5}
    table.put(leased)
    table.put({"pk": "run#2", "sk": "run", "lease_until": 0})
    table.put({"pk": "run#3", "sk": "run", "lease_until": None})
    table.put({"pk": "run#4", "sk": "run"})
    assert table.recover() == 1
    assert table.get(Key("run#1", "run")) == {**leased, "lease_until": 0}
    assert table.query_index(BY_FUNCTION, "f").items == [{**leased, "lease_until": 0}]
    assert table.get(Key("run#3", "run")) == {"pk": "run#3", "sk": "run", "lease_until": None}
    assert table.recover() == 0


def test_what_recovery_finds_in_the_due_index_is_due_at_once(table: LocalTable) -> None:
    table.put({"pk": "r", "sk": "run", "lease_until": 9, "due_shard": "due#0", "next_due": 10**12})
    table.recover()
    assert [item["next_due"] for item in table.query_index(DUE, "due#0", before=1).items] == [0]


def test_recovery_finds_leases_taken_by_an_update(table: LocalTable) -> None:
    table.put({"pk": "run#1", "sk": "run"})
    table.update(Key("run#1", "run"), Change(set={"lease_until": 7}))
    assert table.recover() == 1
    table.update(Key("run#1", "run"), Change(set={"lease_until": 9}))
    table.update(Key("run#1", "run"), Change(remove=("lease_until",)))
    assert table.recover() == 0


# ---- expiry ----------------------------------------------------------------------------------------------------------


def test_items_expire_after_their_ttl_longest_past_first(table: LocalTable) -> None:
    for ttl in (30, 10, 20, 40):
        table.put({"pk": "p", "sk": f"{ttl}", "ttl": ttl})
    table.put({"pk": "p", "sk": "kept"})
    assert table.expire(30, limit=1) == 1
    assert [item["sk"] for item in table.query("p").items] == ["20", "30", "40", "kept"]
    assert table.expire(30) == 1
    assert [item["sk"] for item in table.query("p").items] == ["30", "40", "kept"]
    assert table.expire(30) == 0


def test_expiry_follows_updates_and_costs_no_fsync(file_store: Store) -> None:
    table = LocalTable(file_store)
    table.write_many([Put({"pk": "p", "sk": sk, "ttl": 10}) for sk in ("extended", "gone", "for ever")])
    table.update(Key("p", "extended"), Change(set={"ttl": 99}))
    table.update(Key("p", "for ever"), Change(remove=("ttl",)))
    fsyncs = file_store.fsyncs
    assert table.expire(50) == 1
    assert [item["sk"] for item in table.query("p").items] == ["extended", "for ever"]
    assert file_store.fsyncs == fsyncs


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("", None), ("a", "b"), ("a#", "a$"), ("\U0010ffff", None), ("a\U0010ffff", "b"), ("\ud7ff", "\ue000"), ("a\uffff", "a\U00010000")],
)
def test_the_successor_of_a_prefix(prefix: str, expected: str | None) -> None:
    assert successor(prefix) == expected
