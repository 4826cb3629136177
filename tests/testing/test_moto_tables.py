"""moto's DynamoDB, put right: transactions that are whole, quick and bounded, and requests of many threads that do not mix."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends

from milepost.aws.schema import create_table
from tests.testing.moto_bed import ACCOUNT, REGION, MotoBed


@pytest.fixture
def db(bed: MotoBed) -> Any:
    bed.clients.dynamodb.create_table(**create_table("t"))
    return bed.clients.dynamodb


def key(sk: str) -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": sk}}


def put(sk: str, only_if: str | None = None, **more: Any) -> dict[str, Any]:
    write = {"TableName": "t", "Item": {**key(sk), **more}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return {"Put": write if only_if is None else {**write, "ConditionExpression": only_if}}


def names(db: Any) -> list[str]:
    found = db.query(TableName="t", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}})
    return [item["sk"]["S"] for item in found["Items"]]


def test_a_transaction_writes_all(db: Any) -> None:
    db.transact_write_items(TransactItems=[put("a"), put("b")])
    update = {"TableName": "t", "Key": key("a"), "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    delete = {"TableName": "t", "Key": key("b"), "ConditionExpression": "attribute_exists(pk)"}
    check = {"TableName": "t", "Key": key("none"), "ConditionExpression": "attribute_not_exists(pk)"}
    db.transact_write_items(TransactItems=[put("c"), {"Update": update}, {"Delete": delete}, {"ConditionCheck": check}])
    assert names(db) == ["a", "c"]
    assert db.get_item(TableName="t", Key=key("a"))["Item"]["n"] == {"N": "1"}


def test_a_transaction_whose_condition_fails_writes_nothing_and_says_why_of_each(db: Any) -> None:
    db.put_item(TableName="t", Item={**key("b"), "n": {"N": "7"}})
    with pytest.raises(ClientError) as caught:
        db.transact_write_items(TransactItems=[put("a"), put("b", "attribute_not_exists(pk)"), put("c")])
    answer: Any = caught.value.response
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == ["None", "ConditionalCheckFailed", "None"]
    assert answer["CancellationReasons"][1]["Item"] == {**key("b"), "n": {"N": "7"}}
    assert names(db) == ["b"]


def test_a_transaction_with_a_write_that_cannot_be_made_puts_everything_back(db: Any) -> None:
    db.put_item(TableName="t", Item={**key("b"), "text": {"S": "no number"}})
    add = {"TableName": "t", "Key": key("b"), "UpdateExpression": "SET n = text + :n", "ExpressionAttributeValues": {":n": {"N": "1"}}}
    with pytest.raises(ClientError):
        db.transact_write_items(TransactItems=[put("a"), {"Update": add}])
    assert names(db) == ["b"]
    assert db.get_item(TableName="t", Key=key("b"))["Item"] == {**key("b"), "text": {"S": "no number"}}


@pytest.mark.parametrize(
    ("writes", "told"),
    [
        ([put(str(number)) for number in range(101)], "less than or equal to 100"),
        ([put("a"), put("a")], "multiple operations on one item"),
        ([put(str(number), text={"S": "x" * 399_000}) for number in range(11)], "larger than 4 MB"),
    ],
    ids=["too many", "one twice", "too large"],
)
def test_a_transaction_beyond_dynamodbs_limits_is_refused(db: Any, writes: Any, told: str) -> None:
    with pytest.raises(ClientError, match=told):
        db.transact_write_items(TransactItems=writes)
    assert names(db) == []


def test_neither_transactions_nor_queries_look_at_the_whole_table(db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table = dynamodb_backends[ACCOUNT][REGION].tables["t"]
    for number in range(50):
        db.put_item(TableName="t", Item={"pk": {"S": f"other {number}"}, "sk": {"S": "x"}})

    def fail(*_: object) -> None:
        pytest.fail("it looks at the whole table, or copies it")

    monkeypatch.setattr(type(table), "all_items", fail)
    monkeypatch.setattr(type(table), "__deepcopy__", fail, raising=False)
    db.transact_write_items(TransactItems=[put("a"), put("b")])
    assert names(db) == ["a", "b"]


def test_of_many_threads_that_put_one_item_one_wins(db: Any) -> None:
    def try_it(number: int) -> bool:
        try:
            db.put_item(TableName="t", Item={**key("one"), "by": {"N": str(number)}}, ConditionExpression="attribute_not_exists(pk)")
        except db.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(try_it, range(48))) == 1


def test_no_addition_of_many_threads_is_lost(db: Any) -> None:
    def add(_number: int) -> None:
        db.update_item(
            TableName="t",
            Key=key("n"),
            UpdateExpression="ADD n :one SET s = :s",
            ExpressionAttributeValues={":one": {"N": "1"}, ":s": {"S": "x"}},
        )

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(add, range(64)))
    assert db.get_item(TableName="t", Key=key("n"))["Item"]["n"] == {"N": "64"}
