"""Writes to one table: as requests, with what their failures mean to the port. Conditions are DynamoDB's to judge, never ours.

A try whose answer was lost is made again, and known as one's own, as lost_answers.py says.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import ClientError

from milepost.aws.expressions import on_condition, with_change
from milepost.aws.failures import AwsError
from milepost.aws.items import Attributes, from_attributes, to_attributes
from milepost.aws.lost_answers import is_ours, may_be_asked_again
from milepost.aws.requests import Requests
from milepost.aws.ways import Way
from milepost.engine.ports import TRANSACTION_LIMIT, ConditionFailed, Delete, Key, Put, TransactionFailed, Update, Write

_BATCH: Final = 25
"""Writes in one BatchWriteItem (API reference, read 2026-11-23)."""

_CANCELLED: Final = "TransactionCanceledException"
_PASSING: Final = {
    "TransactionConflict": "TransactionConflictException",
    "ThrottlingError": "ThrottlingException",
    "ProvisionedThroughputExceeded": "ProvisionedThroughputExceededException",
}
"""Reasons why a transaction was cancelled that pass, with the error of a single write for the same."""

_OPERATIONS: Final[dict[type[Write], str]] = {Put: "PutItem", Update: "UpdateItem", Delete: "DeleteItem"}


class Writes:
    """Makes the writes of one table."""

    def __init__(self, requests: Requests, table: str) -> None:
        self._requests = requests
        self._table = table

    def one(self, write: Write) -> Attributes:
        """Make it; the item as it then is, of an update. Raises ConditionFailed, and TypeError for adding to what is no number."""
        return self._make(write, self._request(write))

    def many(self, writes: Sequence[Write]) -> list[ConditionFailed | None]:
        """Make each, on its own condition."""
        _check_keys(writes)
        requests = [self._request(write) for write in writes]
        free = [number for number, write in enumerate(writes) if write.only_if is None and not isinstance(write, Update)]
        parts = [free[begin : begin + _BATCH] for begin in range(0, len(free), _BATCH)]
        parts += [[number] for number in sorted(set(range(len(writes))).difference(free))]

        def make(part: list[int]) -> list[ConditionFailed | None]:
            if len(part) > 1:
                self._make_batch([requests[number] for number in part])
                return [None] * len(part)
            return [self._outcome(writes[part[0]], requests[part[0]])]

        made = zip(parts, self._requests.side_by_side(make, parts), strict=True)
        outcomes = {number: outcome for part, found in made for number, outcome in zip(part, found, strict=True)}
        return [outcomes[number] for number in range(len(writes))]

    def together(self, writes: Sequence[Write]) -> None:
        """All or none. Raises TransactionFailed."""
        if len(writes) > TRANSACTION_LIMIT:
            raise ValueError(f"{len(writes)} writes in one transaction: at most {TRANSACTION_LIMIT}")
        _check_keys(writes)
        if not writes:
            return
        # By the token DynamoDB knows a transaction that it has made within ten minutes, and answers as it did then.
        items = [{type(write).__name__: self._request(write)} for write in writes]
        request = {"TransactItems": items, "ClientRequestToken": uuid.uuid4().hex}
        try:
            self._requests.ask_otherwise("TransactWriteItems", lambda way: _transact(way, request))
        except AwsError as error:
            if error.code != _CANCELLED:
                raise
            raise _transaction_failed(writes, error) from error

    def _request(self, write: Write) -> dict[str, Any]:
        """As PutItem, UpdateItem, DeleteItem and a transaction take it. Raises ValueError for a write that cannot be."""
        match write:
            case Put(item, only_if):
                _check_key(write.key)
                return on_condition({"TableName": self._table, "Item": to_attributes(item)}, only_if)
            case Delete(key, only_if):
                return on_condition({"TableName": self._table, "Key": key_of(key)}, only_if)
            case Update(key, change, only_if):
                return with_change({"TableName": self._table, "Key": key_of(key)}, change, only_if)

    def _make(self, write: Write, request: dict[str, Any]) -> Attributes:
        if isinstance(write, Update):
            request["ReturnValues"] = "ALL_NEW"
        try:
            answer = self._requests.ask(_OPERATIONS[type(write)], request, is_repeatable=may_be_asked_again(write))
        except AwsError as error:
            return _made_all_the_same(write, error)
        made: Attributes = answer.get("Attributes", {})
        return made

    def _outcome(self, write: Write, request: dict[str, Any]) -> ConditionFailed | None:
        try:
            self._make(write, request)
        except ConditionFailed as failed:
            return failed
        return None

    def _make_batch(self, requests: Sequence[dict[str, Any]]) -> None:
        wanted = [
            {"PutRequest": {"Item": request["Item"]}} if "Item" in request else {"DeleteRequest": {"Key": request["Key"]}}
            for request in requests
        ]
        self._requests.ask_for_the_rest("BatchWriteItem", {self._table: wanted}, rest="UnprocessedItems")


def key_of(key: Key) -> Attributes:
    """The key as DynamoDB takes it."""
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


def _check_key(key: Key) -> None:
    if not key.pk or not key.sk:
        raise ValueError(f"an item needs a pk and a sk: {key.pk!r} / {key.sk!r}")


def _check_keys(writes: Sequence[Write]) -> None:
    if len({write.key for write in writes}) != len(writes):
        raise ValueError("two writes of one key: their order would not be defined")


def _made_all_the_same(write: Write, error: AwsError) -> Attributes:
    """What stands there, when an earlier try has made the write; else the failure in the port's own terms is raised."""
    if error.code == "ValidationException" and "incorrect data type" in str(error) and isinstance(write, Update):
        raise TypeError(f"cannot add to {', '.join(write.change.add)} of {write.key.pk} / {write.key.sk}: it is not a number") from error
    if error.code != "ConditionalCheckFailedException":
        raise error
    there: Attributes | None = error.answer.get("Item")
    standing = None if there is None else from_attributes(there)
    if error.is_ambiguous and is_ours(write, standing):
        return there or {}
    raise ConditionFailed(write.key, standing) from error


def _transact(way: Way, request: dict[str, Any]) -> None:
    """One try. A transaction that met another one, or a throttle, and no failed condition, is to be tried again."""
    try:
        way.ask("TransactWriteItems", request)
    except ClientError as error:
        reasons = {reason.get("Code") for reason in _reasons(error.response)}
        if "ConditionalCheckFailed" not in reasons:
            for reason, code in _PASSING.items():
                if reason in reasons:
                    raise ClientError({"Error": {"Code": code, "Message": str(error)}}, "TransactWriteItems") from error
        raise


def _transaction_failed(writes: Sequence[Write], error: AwsError) -> Exception:
    reasons = _reasons(error.answer)
    if any("incorrect data type" in str(reason.get("Message")) for reason in reasons):
        return TypeError(f"the transaction adds to what is not a number: {error}")
    failures = [
        ConditionFailed(write.key, from_attributes(reason["Item"]) if reason.get("Item") else None)
        if reason.get("Code") == "ConditionalCheckFailed"
        else None
        for write, reason in zip(writes, reasons, strict=True)
    ]
    return TransactionFailed(failures) if any(failures) else error


def _reasons(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    reasons: list[dict[str, Any]] = answer.get("CancellationReasons", [])
    return reasons
