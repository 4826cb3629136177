"""The table port: single items, conditions, changes, isolation."""

from typing import Any

import pytest

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

KEY = Key("run#1", "run")


def item(sk: str = "run", /, **attributes: Any) -> dict[str, Any]:
    return {"pk": "run#1", "sk": sk, **attributes}


# ---- items -----------------------------------------------------------------------------------------------------------


def test_an_absent_item_is_none(table: Table) -> None:
    assert table.get(KEY) is None
    assert table.get(KEY, consistent=False) is None


def test_an_item_comes_back_whole(table: Table) -> None:
    table.put(item(status="running", epoch=3))
    assert table.get(KEY) == {"pk": "run#1", "sk": "run", "status": "running", "epoch": 3}


def test_a_put_replaces_the_whole_item(table: Table) -> None:
    table.put(item(a=1, b=2))
    table.put(item(b=3))
    assert table.get(KEY) == item(b=3)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "text",
        "naïve ✓ 𝄞 \0 end",
        0,
        -1,
        2**63 - 1,
        -(2**63),
        1.5,
        -0.1,
        1e300,
        True,
        False,
        None,
        b"",
        b"\x00\xff" * 1_000,
        [],
        {},
        [1, "two", None, [3.5, [b"4"]]],
        {"deep": {"er": [{"and": {"deeper": True}}]}},
        {"": "an empty name"},
    ],
    ids=repr,
)
def test_every_kind_of_value_keeps_value_and_type(table: Table, value: Any) -> None:
    table.put(item(value=value))
    found = table.get(KEY)
    assert found is not None
    assert found["value"] == value
    assert type(found["value"]) is type(value)


def test_an_item_of_300_kilobytes_is_kept(table: Table) -> None:
    table.put(item(value="x" * 300_000))
    assert table.get(KEY) == item(value="x" * 300_000)


def test_items_are_told_apart_by_both_halves_of_the_key(table: Table) -> None:
    table.put({"pk": "a", "sk": "b", "n": 1})
    table.put({"pk": "b", "sk": "a", "n": 2})
    table.put({"pk": "a", "sk": "a", "n": 3})
    assert [table.get(Key(*key)) for key in ("ab", "ba", "aa", "bb")] == [
        {"pk": "a", "sk": "b", "n": 1},
        {"pk": "b", "sk": "a", "n": 2},
        {"pk": "a", "sk": "a", "n": 3},
        None,
    ]


@pytest.mark.parametrize(("pk", "sk"), [("", "b"), ("a", "")])
def test_an_empty_key_is_refused(table: Table, pk: str, sk: str) -> None:
    with pytest.raises(ValueError, match="needs a pk and a sk"):
        table.put({"pk": pk, "sk": sk})


def test_get_many_returns_those_that_are_there(table: Table) -> None:
    table.put(item("a"))
    table.put(item("c"))
    found = table.get_many([Key("run#1", sk) for sk in "abc"])
    assert sorted(each["sk"] for each in found) == ["a", "c"]


def test_get_many_of_nothing_is_nothing(table: Table) -> None:
    assert table.get_many([]) == []


def test_get_many_takes_a_thousand_keys(table: Table) -> None:
    table.write_many([Put(item(f"{n:04}")) for n in range(1_000)])
    assert len(table.get_many([Key("run#1", f"{n:04}") for n in range(1_000)])) == 1_000


# ---- isolation -------------------------------------------------------------------------------------------------------


def test_changing_an_item_after_the_put_changes_nothing(table: Table) -> None:
    nested = {"list": [1]}
    mine = item(nested=nested)
    table.put(mine)
    nested["list"].append(2)
    mine["more"] = 1
    assert table.get(KEY) == item(nested={"list": [1]})


def test_changing_a_returned_item_changes_nothing(table: Table) -> None:
    table.put(item(nested={"list": [1]}))
    for found in (table.get(KEY), table.query("run#1").items[0], table.get_many([KEY])[0]):
        assert found is not None
        found["nested"]["list"].append(2)
    assert table.get(KEY) == item(nested={"list": [1]})


def test_changing_what_an_update_took_or_returned_changes_nothing(table: Table) -> None:
    table.put(item())
    mine = [1]
    returned = table.update(KEY, Change(set={"list": mine}))
    mine.append(2)
    returned["list"].append(3)
    assert table.get(KEY) == item(list=[1])


def test_changing_the_item_of_a_failed_condition_changes_nothing(table: Table) -> None:
    table.put(item(list=[1]))
    with pytest.raises(ConditionFailed) as failed:
        table.put(item(), Absent())
    assert failed.value.item is not None
    failed.value.item["list"].append(2)
    assert table.get(KEY) == item(list=[1])


# ---- conditions ------------------------------------------------------------------------------------------------------

STANDING = {"text": "m", "number": 5, "half": 2.5, "yes": True, "none": None, "bytes": b"x", "list": [1]}


@pytest.mark.parametrize(
    ("condition", "of_item", "of_none"),
    [
        (Absent(), False, True),
        (Absent("text"), False, True),
        (Absent("other"), True, True),
        (Absent("none"), False, True),
        (Present(), True, False),
        (Present("text"), True, False),
        (Present("none"), True, False),
        (Present("other"), False, False),
        (Equals("text", "m"), True, False),
        (Equals("text", "n"), False, False),
        (Equals("text", None), False, False),
        (Equals("number", 5), True, False),
        (Equals("number", 5.0), True, False),
        (Equals("number", 6), False, False),
        (Equals("number", "5"), False, False),
        (Equals("half", 2.5), True, False),
        (Equals("yes", True), True, False),
        (Equals("yes", False), False, False),
        (Equals("yes", 1), False, False),
        (Equals("none", None), True, False),
        (Equals("none", False), False, False),
        (Equals("other", None), False, False),
        (Equals("bytes", "x"), False, False),
        (Equals("sk", "run"), True, False),
        (LessThan("number", 6), True, False),
        (LessThan("number", 5), False, False),
        (LessThan("number", 5.5), True, False),
        (LessThan("number", 4), False, False),
        (LessThan("half", 3), True, False),
        (LessThan("text", "n"), True, False),
        (LessThan("text", "m"), False, False),
        (LessThan("text", "M"), False, False),
        (LessThan("text", "ma"), True, False),
        (LessThan("text", 9), False, False),
        (LessThan("number", "9"), False, False),
        (LessThan("yes", 2), False, False),
        (LessThan("none", 2), False, False),
        (LessThan("list", "z"), False, False),
        (LessThan("other", 9), False, False),
        (And((Present(), Equals("number", 5))), True, False),
        (And((Present(), Equals("number", 6))), False, False),
        (Or((Absent(), Equals("number", 5))), True, True),
        (Or((Absent(), Equals("number", 6))), False, True),
        (Or((Equals("number", 6), Equals("text", "m"))), True, False),
        (And((Or((Absent("other"), LessThan("other", 5))), Equals("text", "m"))), True, False),
        (Or((And((Present(), Equals("number", 6))), And((Present(), Equals("text", "m"))))), True, False),
    ],
    ids=repr,
)
def test_conditions(table: Table, condition: Condition, of_item: bool, of_none: bool) -> None:
    table.put(item(**STANDING))
    for sk, expected in (("run", of_item), ("none there", of_none)):
        outcome = table.write_many([Put(item(sk, written=True), condition)])
        assert [failure is None for failure in outcome] == [expected]
    assert table.get(KEY) == (item(written=True) if of_item else item(**STANDING))
    assert table.get(Key("run#1", "none there")) == (item("none there", written=True) if of_none else None)


def test_strings_are_ordered_by_their_bytes(table: Table) -> None:
    table.put(item(text="\uffff"))
    table.put(item(text="won"), LessThan("text", "\U00010000"))  # UTF-16 would have it the other way round
    assert table.get(KEY) == item(text="won")


def test_the_loser_of_a_put_is_given_the_winners_item(table: Table) -> None:
    table.put(item(owner="first"), Absent())
    with pytest.raises(ConditionFailed) as failed:
        table.put(item(owner="second"), Absent())
    assert failed.value.key == KEY
    assert failed.value.item == item(owner="first")
    assert table.get(KEY) == item(owner="first")


def test_the_loser_of_a_put_on_an_absent_item_is_given_none(table: Table) -> None:
    with pytest.raises(ConditionFailed) as failed:
        table.put(item(), Present())
    assert failed.value.item is None
    assert table.get(KEY) is None


def test_a_failed_update_says_what_stood_there(table: Table) -> None:
    table.put(item(epoch=4))
    with pytest.raises(ConditionFailed) as failed:
        table.update(KEY, Change(set={"epoch": 9}), Equals("epoch", 3))
    assert failed.value.item == item(epoch=4)
    assert table.get(KEY) == item(epoch=4)


# ---- update ----------------------------------------------------------------------------------------------------------


def test_an_update_sets_removes_adds_and_returns_it_all(table: Table) -> None:
    table.put(item(status="running", owner="m-1", inbox=2, kept=[1]))
    returned = table.update(KEY, Change(set={"status": "waiting"}, remove=("owner", "never there"), add={"inbox": 1, "slices": 5}))
    assert returned == item(status="waiting", inbox=3, kept=[1], slices=5)
    assert table.get(KEY) == returned


def test_an_update_adds_negative_numbers_and_to_floats(table: Table) -> None:
    table.put(item(count=2, share=0.5))
    assert table.update(KEY, Change(add={"count": -5, "share": 1})) == item(count=-3, share=1.5)


@pytest.mark.parametrize("condition", [None, Absent(), Absent("x"), Or((Absent(), Present()))], ids=repr)
def test_an_update_of_an_absent_item_fails_whatever_the_condition(table: Table, condition: Condition | None) -> None:
    with pytest.raises(ConditionFailed) as failed:
        table.update(KEY, Change(set={"a": 1}), condition)
    assert failed.value.item is None
    assert table.get(KEY) is None


def test_an_empty_change_returns_the_item(table: Table) -> None:
    table.put(item(a=1))
    assert table.update(KEY, Change()) == item(a=1)


def test_an_update_writes_none_as_a_value(table: Table) -> None:
    table.put(item(a=1))
    assert table.update(KEY, Change(set={"a": None})) == item(a=None)


@pytest.mark.parametrize(
    "change",
    [
        Change(set={"pk": "other"}),
        Change(remove=("sk",)),
        Change(add={"sk": 1}),
        Change(set={"a": 1}, remove=("a",)),
        Change(set={"a": 1}, add={"a": 1}),
    ],
    ids=repr,
)
def test_a_change_of_the_key_or_twice_of_one_attribute_is_refused(table: Table, change: Change) -> None:
    table.put(item(a=1))
    with pytest.raises(ValueError, match="change"):
        table.update(KEY, change)
    assert table.get(KEY) == item(a=1)


@pytest.mark.parametrize("value", ["text", None, True, [1]], ids=repr)
def test_adding_to_what_is_no_number_is_refused(table: Table, value: Any) -> None:
    table.put(item(a=value))
    with pytest.raises(TypeError, match="not a number"):
        table.update(KEY, Change(add={"a": 1}))
    assert table.get(KEY) == item(a=value)


# ---- delete ----------------------------------------------------------------------------------------------------------


def test_a_delete_removes(table: Table) -> None:
    table.put(item())
    table.delete(KEY)
    assert table.get(KEY) is None


def test_deleting_an_absent_item_does_nothing(table: Table) -> None:
    table.delete(KEY)


def test_a_delete_with_a_condition(table: Table) -> None:
    table.put(item(owner="a"))
    with pytest.raises(ConditionFailed) as failed:
        table.delete(KEY, Equals("owner", "b"))
    assert failed.value.item == item(owner="a")
    table.delete(KEY, Equals("owner", "a"))
    assert table.get(KEY) is None


def test_deleting_an_absent_item_on_a_condition_that_needs_it_fails(table: Table) -> None:
    with pytest.raises(ConditionFailed) as failed:
        table.delete(KEY, Equals("owner", "a"))
    assert failed.value.item is None


# ---- several writes --------------------------------------------------------------------------------------------------


def test_writes_that_belong_together_stand_on_their_own_conditions(table: Table) -> None:
    table.put(item("there", n=1))
    outcome = table.write_many(
        [
            Put(item("new"), Absent()),
            Put(item("there", n=9), Absent()),
            Update(Key("run#1", "there too"), Change(set={"n": 1})),
            Delete(Key("run#1", "nothing")),
            Put({"pk": "other", "sk": "run"}),
        ]
    )
    assert [None if failure is None else (failure.key.sk, failure.item) for failure in outcome] == [
        None,
        ("there", item("there", n=1)),
        ("there too", None),
        None,
        None,
    ]
    assert [each["sk"] for each in table.query("run#1").items] == ["new", "there"]
    assert table.get(Key("other", "run")) is not None


def test_a_transaction_writes_all(table: Table) -> None:
    table.put(item("old", n=1))
    table.put(item("gone"))
    table.transact(
        [
            Put(item("new"), Absent()),
            Update(Key("run#1", "old"), Change(add={"n": 1}), Equals("n", 1)),
            Delete(Key("run#1", "gone"), Present()),
        ]
    )
    assert table.query("run#1").items == [item("new"), item("old", n=2)]


def test_a_transaction_with_one_failed_condition_writes_nothing_and_says_which(table: Table) -> None:
    table.put(item("old", n=1))
    with pytest.raises(TransactionFailed) as failed:
        table.transact([Put(item("new"), Absent()), Update(Key("run#1", "old"), Change(set={"n": 5}), Equals("n", 2)), Delete(KEY)])
    assert [None if failure is None else failure.item for failure in failed.value.failures] == [None, item("old", n=1), None]
    assert failed.value.failures[0] is None
    assert table.query("run#1").items == [item("old", n=1)]


def test_a_transaction_takes_a_hundred_writes_and_no_more(table: Table) -> None:
    writes = [Put(item(f"{n:03}")) for n in range(101)]
    with pytest.raises(ValueError, match="at most 100"):
        table.transact(writes)
    assert table.query("run#1").items == []
    table.transact(writes[:100])
    assert len(table.query("run#1").items) == 100


@pytest.mark.parametrize("second", [Put(item(b=2)), Update(KEY, Change(set={"b": 2})), Delete(KEY)], ids=repr)
def test_two_writes_of_one_key_are_refused(table: Table, second: Write) -> None:
    for write in (table.write_many, table.transact):
        with pytest.raises(ValueError, match="one key"):
            write([Put(item(a=1)), second])
    assert table.get(KEY) is None


def test_no_writes_are_no_writes(table: Table) -> None:
    assert table.write_many([]) == []
    table.transact([])
