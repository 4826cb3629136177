"""Writes whose answer was lost: done or not, they are asked again, and known as one's own.

table ──try 1──▶ done, answer lost
      ──try 2──▶ the condition fails: what stands there is what we wrote, so it was ours
"""

from collections.abc import Generator
from typing import Any

import pytest

from milepost.aws.failures import AwsError
from milepost.aws.lost_answers import is_ours, is_spent, may_be_asked_again
from milepost.engine.ports import (
    Absent,
    And,
    Change,
    Condition,
    ConditionFailed,
    Delete,
    Equals,
    Key,
    LessThan,
    Or,
    Present,
    Put,
    Table,
    TransactionFailed,
    Update,
    Write,
)
from tests.aws.wires import WAYS, Wire, lost, refused, table_on_moto, unheard

KEY = Key("run#1", "run")


def item(**attributes: Any) -> dict[str, Any]:
    return {"pk": "run#1", "sk": "run", **attributes}


@pytest.fixture(params=WAYS)
def wired(request: pytest.FixtureRequest) -> Generator[tuple[Table, Wire]]:
    with table_on_moto(request.param) as opened:
        yield opened


# ---- on the wire -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fate", [lost, unheard], ids=["done", "not done"])
def test_a_put_is_made_once_for_all_the_caller_sees(wired: tuple[Table, Wire], fate: Any) -> None:
    table, wire = wired
    wire.fates = [fate]
    table.put(item(owner="me", deep={"n": [1, 2.5, None]}), Absent())
    assert wire.operations() == ["PutItem", "PutItem"]
    assert table.get(KEY) == item(owner="me", deep={"n": [1, 2.5, None]})


def test_a_put_that_had_lost_stays_lost(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    table.put(item(owner="somebody"))
    wire.fates = [lost]
    with pytest.raises(ConditionFailed) as failed:
        table.put(item(owner="me"), Absent())
    assert failed.value.item == item(owner="somebody")


def test_a_put_whose_condition_fails_at_once_is_not_taken_for_ours(wired: tuple[Table, Wire]) -> None:
    table, _ = wired
    table.put(item(owner="me"))
    with pytest.raises(ConditionFailed):
        table.put(item(owner="me"), Absent())


@pytest.mark.parametrize("fate", [lost, unheard], ids=["done", "not done"])
def test_an_update_is_made_once(wired: tuple[Table, Wire], fate: Any) -> None:
    table, wire = wired
    table.put(item(epoch=3, owner="me", inbox=0))
    wire.fates = [fate]
    change = Change(set={"status": "waiting", "epoch": 4}, remove=("owner",))
    assert table.update(KEY, change, Equals("epoch", 3)) == item(epoch=4, status="waiting", inbox=0)


@pytest.mark.parametrize("fate", [lost, unheard], ids=["done", "not done"])
def test_a_lease_is_acquired_once(wired: tuple[Table, Wire], fate: Any) -> None:
    table, wire = wired
    table.put(item(epoch=3, lease_until=100))
    wire.fates = [fate]
    change = Change(set={"owner": "m-7", "lease_until": 900}, add={"epoch": 1})
    free = Or((Absent("lease_until"), LessThan("lease_until", 500)))
    assert table.update(KEY, change, And((Present(), free))) == item(epoch=4, owner="m-7", lease_until=900)


def test_a_lease_that_another_took_is_not_taken_for_ours(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    table.put(item(epoch=3, owner="m-8", lease_until=900))
    wire.fates = [lost]
    with pytest.raises(ConditionFailed) as failed:
        table.update(KEY, Change(set={"owner": "m-7", "lease_until": 900}, add={"epoch": 1}), LessThan("lease_until", 500))
    assert failed.value.item == item(epoch=3, owner="m-8", lease_until=900)


@pytest.mark.parametrize("condition", [None, Present(), LessThan("n", 10)], ids=repr)
def test_an_addition_that_may_have_been_made_is_not_made_again(wired: tuple[Table, Wire], condition: Condition | None) -> None:
    table, wire = wired
    table.put(item(n=1))
    wire.fates = [lost]
    with pytest.raises(AwsError, match="nobody knows whether it was done") as failed:
        table.update(KEY, Change(add={"n": 1}), condition)
    assert failed.value.is_ambiguous
    assert table.get(KEY) == item(n=2)


def test_an_addition_that_was_surely_not_made_is(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    table.put(item(n=1))
    wire.fates = [refused("ProvisionedThroughputExceededException")]
    assert table.update(KEY, Change(add={"n": 1})) == item(n=2)


def test_a_delete_is_made_once(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    table.put(item(owner="me"))
    wire.fates = [lost]
    table.delete(KEY, Equals("owner", "me"))
    assert table.get(KEY) is None


def test_a_delete_of_what_has_changed_fails(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    table.put(item(owner="other"))
    wire.fates = [unheard]
    with pytest.raises(ConditionFailed):
        table.delete(KEY, Equals("owner", "me"))


def test_a_transaction_is_asked_again_by_the_same_token(wired: tuple[Table, Wire]) -> None:
    """DynamoDB knows it by that; moto does not, and refuses what it has done."""
    table, wire = wired
    wire.fates = [unheard]
    table.transact([Put(item(), Absent())])
    tokens = [body["ClientRequestToken"] for operation, body in wire.sent if operation == "TransactWriteItems"]
    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    with pytest.raises(TransactionFailed):
        table.transact([Put(item(), Absent())])
    assert wire.sent[-1][1]["ClientRequestToken"] not in tokens


def test_an_answer_that_never_comes_is_an_error_after_all(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    wire.fates = [unheard] * 100
    with pytest.raises(AwsError, match=r"PutItem on table 'shop-state' in eu-west-1.*\(tried 8 times\)") as failed:
        table.put(item(), Absent())
    assert failed.value.is_ambiguous
    assert len(wire.sent) == 8


# ---- what is known without asking ------------------------------------------------------------------------------------

LEASE = Change(set={"owner": "m", "lease_until": 9}, add={"epoch": 1})


@pytest.mark.parametrize(
    ("condition", "change", "expected"),
    [
        (Absent("a"), Change(set={"a": 1}), True),
        (Absent("a"), Change(add={"a": 1}), True),
        (Absent("a"), Change(set={"b": 1}), False),
        (Present("a"), Change(remove=("a",)), True),
        (Present("a"), Change(set={"a": 1}), False),
        (Equals("a", 1), Change(set={"a": 2}), True),
        (Equals("a", 1), Change(set={"a": 1}), False),
        (Equals("a", 1), Change(add={"a": 1}), True),
        (Equals("a", 1), Change(add={"a": 0}), False),
        (Equals("a", 1), Change(remove=("a",)), True),
        (LessThan("a", 5), Change(set={"a": 5}), True),
        (LessThan("a", 5), Change(set={"a": 4}), False),
        (LessThan("a", 5), Change(set={"a": "text"}), True),
        (LessThan("a", 5), Change(add={"a": 1}), False),
        (LessThan("a", 5), Change(remove=("a",)), True),
        (And((Present("b"), Equals("a", 1))), Change(set={"a": 2}), True),
        (And(()), Change(set={"a": 2}), False),
        (Or((Absent("lease_until"), LessThan("lease_until", 5))), LEASE, True),
        (Or((Absent("other"), LessThan("lease_until", 5))), LEASE, False),
        (Or((Absent("inbox"), Equals("inbox", 0))), Change(add={"inbox": 1}), True),
    ],
    ids=repr,
)
def test_a_condition_is_spent_when_the_change_makes_it_false(condition: Condition, change: Change, expected: bool) -> None:
    assert is_spent(condition, change) is expected
    assert may_be_asked_again(Update(KEY, change, condition)) is (expected or not any(change.add.values()))


OURS = Update(KEY, Change(set={"doing": "a"}, remove=("owner",)), And((Present(), Equals("epoch", 3), Equals("status", "running"))))


@pytest.mark.parametrize(
    ("write", "standing", "expected"),
    [
        (Put(item(n=1)), item(n=1), True),
        (Put(item(n=1)), item(n=2), False),
        (Put(item(n=1)), item(n=1, more=1), False),
        (Put(item(n=(1, 2))), item(n=[1, 2]), True),
        (Put(item(n=1)), None, False),
        (Delete(KEY), None, True),
        (Delete(KEY), item(), False),
        (OURS, item(doing="a", epoch=3, status="running"), True),
        (OURS, item(doing="a", epoch=3, status="running", more=1), True),
        (OURS, item(doing="b", epoch=3, status="running"), False),
        (OURS, item(epoch=3, status="running"), False),
        (OURS, item(doing="a", epoch=3, status="running", owner="x"), False),
        (OURS, item(doing="a", epoch=4, status="running"), False),
        (OURS, item(doing="a", status="running"), False),
        (OURS, None, False),
        (Update(KEY, Change(remove=("owner",)), Present("owner")), item(), False),
    ],
    ids=repr,
)
def test_what_stands_there_is_ours_when_it_is_as_we_left_it(write: Write, standing: dict[str, Any] | None, expected: bool) -> None:
    assert is_ours(write, standing) is expected
