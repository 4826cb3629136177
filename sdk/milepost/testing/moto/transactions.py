"""Transactions and queries of moto's DynamoDB whose cost does not grow with the table, and whose outcome is DynamoDB's.

moto copies the whole table for each write of a transaction, and sorts the whole table for each query. Here a transaction judges
all conditions first, then writes, and puts back what it has touched when a write is refused; a query looks at its partition.
"""

import copy
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final, NamedTuple

from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    MockValidationException,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
    TransactWriteSingleOpException,
)
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from milepost.testing.moto.replacing import replaced

MOST_WRITES: Final = 100
MOST_BYTES: Final = 4 * 1024 * 1024
"""Of all items of one transaction together (API reference of TransactWriteItems, read 2026-11-22)."""

_KINDS: Final = ("ConditionCheck", "Put", "Delete", "Update")


@contextmanager
def quick_tables() -> Generator[None, None, None]:
    """Within it moto's transactions and queries are those of this module."""
    with ExitStack() as stack:
        stack.enter_context(replaced(DynamoDBBackend, "transact_write_items", transact))
        stack.enter_context(replaced(Table, "query", _query_of(Table.query)))
        yield


# ---- transactions ----------------------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """One write of a transaction, and what it is about."""

    kind: str
    asked: Mapping[str, Any]
    table: Table
    hash: DynamoType
    range: DynamoType | None

    @property
    def standing(self) -> Item | None:
        return self.table.get_item(self.hash, self.range)


def transact(backend: DynamoDBBackend, transact_items: Sequence[Mapping[str, Any]]) -> None:
    """All of the writes or none. Raises what DynamoDB answers: TransactionCanceledException with a reason per write."""
    if len(transact_items) > MOST_WRITES:
        raise TooManyTransactionsException
    parts = [_part(backend, item) for item in transact_items]
    if len({(id(part.table), part.hash, part.range) for part in parts}) < len(parts):
        raise MultipleTransactionsException
    if sum(_bytes(part) for part in parts) > MOST_BYTES:
        raise MockValidationException("Transaction request cannot be larger than 4 MB")
    reasons = [_judged(part) for part in parts]
    if any(code is not None for code, _, _ in reasons):
        raise TransactionCanceledException(reasons)
    _write(backend, parts)


def _part(backend: DynamoDBBackend, item: Mapping[str, Any]) -> _Part:
    if len(item) != 1:
        raise TransactWriteSingleOpException
    [(kind, asked)] = item.items()
    if kind not in _KINDS:
        raise MockValidationException(f"{kind} is no operation of a transaction")
    table = backend.get_table(asked["TableName"])
    key = asked["Item"] if kind == "Put" else asked["Key"]
    hash_key, range_key = backend.get_keys_value(table, key)
    return _Part(kind, asked, table, hash_key, range_key)


def _bytes(part: _Part) -> int:
    """What DynamoDB counts: the item as it will be, or the one that is deleted or looked at."""
    if part.kind == "Put":
        return _weight(Item(part.hash, part.range, part.asked["Item"]))
    given: Mapping[str, Any] = part.asked.get("ExpressionAttributeValues") or {}
    standing = part.standing
    return (0 if standing is None else _weight(standing)) + sum(DynamoType(value).size() for value in given.values())


def _weight(item: Any) -> int:
    return int(item.size())  # Any: that of moto's base class hides the size from type checkers


def _judged(part: _Part) -> tuple[str, str, Any] | tuple[None, None, None]:
    """Why a write cannot be made: code, message and the item that stands there, if it was asked for."""
    condition = part.asked.get("ConditionExpression")
    if condition is None:
        return None, None, None
    standing = part.standing
    names, values = part.asked.get("ExpressionAttributeNames"), part.asked.get("ExpressionAttributeValues")
    if get_filter_expression(condition, names, values).expr(standing):
        return None, None, None
    wants_item = part.asked.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and standing is not None
    item = standing.to_json()["Attributes"] if wants_item and standing is not None else None
    return "ConditionalCheckFailed", str(ConditionalCheckFailed().message), item


def _write(backend: DynamoDBBackend, parts: Sequence[_Part]) -> None:
    befores = [copy.deepcopy(part.standing) for part in parts]
    try:
        for part in parts:
            _write_one(backend, part)
    except BaseException:
        for part, before in zip(parts, befores, strict=True):
            _put_back(part, before)
        raise


def _write_one(backend: DynamoDBBackend, part: _Part) -> None:
    name = part.table.name
    match part.kind:
        case "Put":
            backend.put_item(name, part.asked["Item"])
        case "Delete":
            part.table.delete_item(part.hash, part.range)
        case "Update":
            backend.update_item(
                name,
                part.asked["Key"],
                update_expression=part.asked["UpdateExpression"],
                expression_attribute_names=part.asked.get("ExpressionAttributeNames") or {},
                expression_attribute_values=part.asked.get("ExpressionAttributeValues") or {},
            )
        case _:
            return


def _put_back(part: _Part, before: Item | None) -> None:
    items = _partitions(part.table)
    if part.range is None:
        items.pop(part.hash, None)
        if before is not None:
            items[part.hash] = before
        return
    items[part.hash].pop(part.range, None)
    if before is not None:
        items[part.hash][part.range] = before


# ---- queries ---------------------------------------------------------------------------------------------------------


def _query_of(query: Any) -> Any:
    """Moto's query, shown nothing but the items that it can return."""

    def quick(table: Table, hash_key: DynamoType | None, *args: Any, **kwargs: Any) -> Any:
        index = kwargs.get("index_name") or (args[6] if len(args) > 6 else None)
        shown: Any = table
        shown.all_items = lambda: _candidates(table, hash_key, index, kwargs.get("hash_key_conditions"))
        try:
            return query(table, hash_key, *args, **kwargs)
        finally:
            del shown.all_items

    return quick


def _candidates(table: Table, hash_key: DynamoType | None, index: str | None, conditions: Any) -> list[Any]:
    partitions = _partitions(table)
    if index is not None:
        asked = [(name, value.type, value.value) for name, value in conditions or ()]
        return [
            item for partition in partitions.values() for item in partition.values() if all(_has(item, *condition) for condition in asked)
        ]
    if hash_key is None or hash_key not in partitions:
        return []
    return list(partitions[hash_key].values())


def _has(item: Item, name: str, type_: str, value: Any) -> bool:
    found = item.attrs.get(name)
    return found is not None and found.type == type_ and found.value == value


def _partitions(table: Any) -> Any:
    """Items by hash key and range key; Any: moto types them loosely."""
    return table.items
