"""The table on DynamoDB beyond the port's contract: how many requests, batches that leave a rest, what AWS refuses."""

from collections.abc import Generator
from threading import Barrier, Lock
from typing import Any, Final

import boto3
import pytest

from milepost.aws.clients import Clients
from milepost.aws.failures import AwsError
from milepost.aws.table import DynamoTable
from milepost.engine.ports import Absent, Change, ConditionFailed, Delete, Equals, Key, Put, Table, TransactionFailed, Update, Write
from tests.aws.deployed import answered
from tests.aws.wires import WAYS, Wire, answering, refused, served, table_on_moto

KEY = Key("run#1", "run")


def item(sk: str = "run", /, **attributes: Any) -> dict[str, Any]:
    return {"pk": "run#1", "sk": sk, **attributes}


@pytest.fixture(params=WAYS)
def wired(request: pytest.FixtureRequest) -> Generator[tuple[Table, Wire]]:
    with table_on_moto(request.param) as opened:
        yield opened


# ---- requests --------------------------------------------------------------------------------------------------------


def test_each_operation_is_one_request(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    table.put(item(), Absent())
    table.update(KEY, Change(set={"a": 1}), Equals("sk", "run"))
    table.get(KEY)
    table.query("run#1", limit=5)
    table.transact([Put(item("a")), Delete(Key("run#1", "b"))])
    table.delete(KEY)
    assert wire.operations() == ["PutItem", "UpdateItem", "GetItem", "Query", "TransactWriteItems", "DeleteItem"]


def test_the_loser_is_given_the_item_without_reading_it(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    table.put(item(n=1))
    with pytest.raises(ConditionFailed) as failed:
        table.put(item(n=2), Absent())
    assert failed.value.item == item(n=1)
    assert wire.operations() == ["PutItem", "PutItem"]


def test_plain_writes_go_in_batches_of_twenty_five_and_others_alone(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    plain: list[Write] = [*(Put(item(f"p{n:02}")) for n in range(25)), *(Delete(Key("run#1", f"d{n:02}")) for n in range(25))]
    others: list[Write] = [Put(item("c"), Absent()), Update(Key("run#1", "u"), Change(set={"n": 1}))]
    outcomes = table.write_many([plain[0], *others, *plain[1:]])
    assert sorted(wire.operations()) == ["BatchWriteItem", "BatchWriteItem", "PutItem", "UpdateItem"]
    assert [number for number, outcome in enumerate(outcomes) if outcome is not None] == [2]
    assert len(table.query("run#1").items) == 26


def test_one_plain_write_is_no_batch(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    table.write_many([Put(item())])
    assert wire.operations() == ["PutItem"]


def test_keys_are_read_a_hundred_at_once_and_each_once(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    table.write_many([Put(item(f"{n:03}")) for n in range(150)])
    wire.sent.clear()
    keys = [Key("run#1", f"{n:03}") for n in range(150)]
    assert sorted(each["sk"] for each in table.get_many(keys + keys)) == [f"{n:03}" for n in range(150)]
    assert wire.operations() == ["BatchGetItem", "BatchGetItem"]


AT_ONCE: Final = 5


class Meeting:
    """A way on which every request waits until as many are under way as may be."""

    def __init__(self) -> None:
        self._met = Barrier(AT_ONCE, timeout=60)
        self._mutex = Lock()
        self.under_way = self.most = 0

    def ask(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        with self._mutex:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        self._met.wait()
        with self._mutex:
            self.under_way -= 1
        return {}

    def query(self, shape: type[Any], request: dict[str, Any]) -> tuple[list[Any], None]:
        self.ask("Query", request)
        return [], None


def test_writes_on_conditions_are_made_at_the_same_time_but_not_all_at_once() -> None:
    meeting = Meeting()
    clients = Clients(boto3.Session("testing", "testing", region_name="eu-west-1"), at_once=AT_ONCE)
    table = DynamoTable(clients, "shop-state", way=meeting)
    outcomes = table.write_many([Put(item(f"{n:02}"), Absent()) for n in range(3 * AT_ONCE)])
    assert outcomes == [None] * (3 * AT_ONCE)
    assert meeting.most == AT_ONCE


def test_nothing_that_lies_outside_of_a_prefix_is_asked_for(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    assert table.query("run#1", "b", after="c").items == []
    assert table.query("run#1", "b", after="a", backwards=True).items == []
    assert table.query("run#1", after="", backwards=True).items == []
    assert wire.sent == []


def test_pages_that_end_early_are_followed_up_to_the_limit(wired: tuple[Table, Wire]) -> None:
    """An answer ends at 1 MB."""
    table, wire = wired
    for number in range(8):
        table.put(item(f"{number}", text="x" * 300_000))
    wire.sent.clear()
    assert [each["sk"] for each in table.query("run#1", limit=6).items] == ["0", "1", "2", "3", "4", "5"]
    assert wire.operations() == ["Query", "Query"]
    assert [body["Limit"] for _, body in wire.sent] == [6, 3]


# ---- rests and throttles ---------------------------------------------------------------------------------------------


def test_what_a_batch_leaves_undone_is_asked_for_again(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    rest = {"shop-state": [{"PutRequest": {"Item": {"pk": {"S": "run#1"}, "sk": {"S": "b"}, "n": {"N": "2"}}}}]}
    wire.fates = [answering(UnprocessedItems=rest)]
    table.write_many([Put(item("a", n=1)), Put(item("b", n=2))])
    assert [body["RequestItems"] for _, body in wire.sent][1] == rest
    assert table.get(Key("run#1", "b")) == item("b", n=2)
    assert wire.pauses == [0.025]


def test_keys_that_were_left_out_are_asked_for_again(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    table.put(item("b"))
    there = {"pk": {"S": "run#1"}, "sk": {"S": "a"}}
    rest = {"shop-state": {"Keys": [{"pk": {"S": "run#1"}, "sk": {"S": "b"}}], "ConsistentRead": True}}
    wire.fates = [answering(Responses={"shop-state": [there]}, UnprocessedKeys=rest)]
    assert sorted(each["sk"] for each in table.get_many([Key("run#1", "a"), Key("run#1", "b")])) == ["a", "b"]


def test_a_batch_that_is_never_done_is_throttled(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    rest = {"shop-state": [{"DeleteRequest": {"Key": {"pk": {"S": "run#1"}, "sk": {"S": "b"}}}}]}
    wire.fates = [answering(UnprocessedItems=rest)] * 100
    with pytest.raises(AwsError, match=r"dynamodb:BatchWriteItem on table 'shop-state'.*throttled") as failed:
        table.write_many([Delete(Key("run#1", "a")), Delete(Key("run#1", "b"))])
    assert failed.value.is_throttle


def test_when_one_of_many_fails_for_good_the_others_are_made(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    wire.fates = [served, refused("AccessDeniedException"), served]
    with pytest.raises(AwsError, match="is not allowed"):
        table.write_many([Put(item(f"{n}"), Absent()) for n in range(3)])
    assert len(table.query("run#1").items) == 2


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_met_another_is_made_again(wired: tuple[Table, Wire], reason: str) -> None:
    table, wire = wired
    wire.fates = [refused("TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": reason}])]
    table.transact([Put(item("a")), Put(item("b"))])
    assert wire.operations() == ["TransactWriteItems", "TransactWriteItems"]
    assert len(table.query("run#1").items) == 2


def test_a_transaction_that_failed_on_a_condition_is_not(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    there = {"pk": {"S": "run#1"}, "sk": {"S": "a"}}
    reasons = [{"Code": "ConditionalCheckFailed", "Item": there}, {"Code": "TransactionConflict"}, {"Code": "ConditionalCheckFailed"}]
    wire.fates = [refused("TransactionCanceledException", CancellationReasons=reasons)]
    with pytest.raises(TransactionFailed) as failed:
        table.transact([Put(item("a"), Absent()), Put(item("b")), Put(item("c"), Equals("n", 1))])
    assert [failure and failure.item for failure in failed.value.failures] == [item("a"), None, None]
    assert [failure is None for failure in failed.value.failures] == [False, True, False]
    assert len(wire.sent) == 1


# ---- refusals --------------------------------------------------------------------------------------------------------


def test_a_table_that_does_not_exist_is_named(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    wire.fates = [refused("ResourceNotFoundException", "Requested resource not found")]
    with pytest.raises(AwsError, match=r"there is no table 'shop-state' in eu-west-1 of this account .*is the stage deployed"):
        table.get(KEY)


def test_a_missing_permission_is_named_with_the_table(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    wire.fates = [
        refused("AccessDeniedException", "User: arn:aws:sts::1:x is not authorized to perform: dynamodb:Query on resource: arn:t")
    ]
    with pytest.raises(AwsError, match=r"dynamodb:Query on table 'shop-state' \(arn:t\) is not allowed for arn:aws:sts::1:x: grant it"):
        table.query("run#1")


def test_an_answer_that_is_no_answer_is_a_fault(wired: tuple[Table, Wire]) -> None:
    """A proxy's page, say."""
    table, wire = wired
    wire.fates = [lambda _wire, _request: answered("<html>Bad Gateway</html>", 502)()] * 2
    assert table.get(KEY) is None
    assert len(wire.sent) == 3


def test_adding_to_what_is_no_number_is_refused_in_a_transaction_too(wired: tuple[Table, Wire]) -> None:
    table, wire = wired
    reason = {"Code": "ValidationError", "Message": "An operand in the update expression has an incorrect data type"}
    wire.fates = [refused("TransactionCanceledException", CancellationReasons=[reason])]
    with pytest.raises(TypeError, match="not a number"):
        table.transact([Update(KEY, Change(add={"a": 1}))])
