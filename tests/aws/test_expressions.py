"""Conditions and changes in DynamoDB's language. What they mean is the contract's matter; here is what they are made of."""

import pytest

from milepost.aws.expressions import Names, condition, on_condition, with_change
from milepost.engine.ports import Absent, And, Change, Condition, Equals, LessThan, Or, Present, Put, Table
from tests.aws.wires import table_on_moto


@pytest.mark.parametrize(
    ("wanted", "expression"),
    [
        (Absent("status"), "attribute_not_exists(#0)"),
        (Present("status"), "attribute_exists(#0)"),
        (Equals("status", "x"), "#0 = :0"),
        (Equals("status", None), "attribute_type(#0, :0)"),
        (Equals("n", 1), "(attribute_type(#0, :1) AND #0 = :0)"),
        (LessThan("n", 5), "(attribute_type(#0, :1) AND #0 < :0)"),
        (And((Present("a"), Or((Absent("b"), Equals("a", 7))))), "(attribute_exists(#0) AND (attribute_not_exists(#1) OR #0 = :0))"),
    ],
    ids=repr,
)
def test_a_condition_names_every_attribute_by_a_placeholder(wanted: Condition, expression: str) -> None:
    assert condition(wanted, Names()) == expression


def test_a_request_has_what_its_expressions_refer_to_and_no_empty_maps() -> None:
    assert on_condition({}, None) == {}
    assert on_condition({}, Absent("now")) == {
        "ConditionExpression": "attribute_not_exists(#0)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ExpressionAttributeNames": {"#0": "now"},
    }


def test_an_update_needs_the_item_to_be_there() -> None:
    change = Change(set={"a": 1, "b": "x"}, remove=("c", "d"), add={"e": 2})
    assert with_change({}, change, Equals("a", "y")) == {
        "UpdateExpression": "SET #0 = :0, #1 = :1 REMOVE #2, #3 ADD #4 :2",
        "ConditionExpression": "attribute_exists(#5) AND #0 = :3",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ExpressionAttributeNames": {"#0": "a", "#1": "b", "#2": "c", "#3": "d", "#4": "e", "#5": "pk"},
        "ExpressionAttributeValues": {":0": {"N": "1"}, ":1": {"S": "x"}, ":2": {"N": "2"}, ":3": {"S": "y"}},
    }


@pytest.mark.parametrize(("wanted", "holds"), [(And(()), True), (Or(()), False)], ids=repr)
def test_all_of_nothing_holds_and_one_of_nothing_does_not(wanted: Condition, holds: bool) -> None:
    with table_on_moto("plain") as (opened, _):
        table: Table = opened
        for sk, there in (("new", False), ("old", True)):
            if there:
                table.put({"pk": "p", "sk": sk})
            [outcome] = table.write_many([Put({"pk": "p", "sk": sk}, wanted)])
            assert (outcome is None) is holds
