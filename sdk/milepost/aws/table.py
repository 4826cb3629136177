"""The table port on one DynamoDB table: every read, and who does the writes (writes.py). Knows nothing of what items mean.

Each operation is one request, but for pages and batches.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from milepost.aws.clients import Clients
from milepost.aws.direct import DirectWay
from milepost.aws.expressions import Names
from milepost.aws.items import Attributes, from_attributes
from milepost.aws.requests import Requests
from milepost.aws.ways import PlainWay, Way
from milepost.aws.writes import Writes, key_of
from milepost.engine.ports import (
    INDEXES,
    PAGE_LIMIT,
    Change,
    Condition,
    ConditionFailed,
    Delete,
    Index,
    Item,
    Key,
    Page,
    Put,
    Update,
    Write,
)

S = TypeVar("S")

_KEYS_AT_ONCE: Final = 100
"""In one BatchGetItem (API reference, read 2026-11-23)."""


class DynamoTable:
    """`Table` of ports.py, on the table ``name``. Safe from many threads."""

    def __init__(self, clients: Clients, name: str, *, way: Way | None = None) -> None:
        if way is None:
            way = DirectWay(clients) if clients.is_direct else PlainWay(clients)
        self._name = name
        self._requests = Requests(clients, name, way)
        self._writes = Writes(self._requests, name)

    # ---- reading -----------------------------------------------------------------------------------------------------

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        answer = self._requests.ask("GetItem", {"TableName": self._name, "Key": key_of(key), "ConsistentRead": consistent})
        found: Attributes | None = answer.get("Item")
        return None if found is None else from_attributes(found)

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        wanted = list(dict.fromkeys(keys))
        parts = [wanted[begin : begin + _KEYS_AT_ONCE] for begin in range(0, len(wanted), _KEYS_AT_ONCE)]
        return [item for found in self._requests.side_by_side(self._get_some, parts) for item in found]

    def _get_some(self, keys: Sequence[Key]) -> list[Item]:
        found: list[Item] = []
        wanted = {self._name: {"Keys": [key_of(key) for key in keys], "ConsistentRead": True}}
        for answer in self._requests.ask_for_the_rest("BatchGetItem", wanted, rest="UnprocessedKeys"):
            found += map(from_attributes, answer["Responses"].get(self._name, ()))
        return found

    def query(
        self,
        pk: str,
        prefix: str = "",
        *,
        after: str | None = None,
        limit: int | None = None,
        consistent: bool = True,
        backwards: bool = False,
    ) -> Page:
        size = _page_size(limit)
        request = self._query(pk, prefix, after, consistent=consistent, backwards=backwards)
        if request is None:
            return Page([])
        items, last = self._read(request, size)
        return Page(items, None if last is None else last["sk"]["S"])

    def query_as(self, shape: type[S], pk: str, prefix: str = "", *, after: str | None = None) -> tuple[list[S], str | None]:
        request = self._query(pk, prefix, after, consistent=True, backwards=False)
        if request is None:
            return [], None
        request["Limit"] = PAGE_LIMIT
        items, last = self._requests.query(shape, request)
        return items, None if last is None else last["sk"]["S"]

    def query_index(
        self,
        index: Index,
        value: str,
        *,
        before: int | None = None,
        after: str | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Page:
        if index not in INDEXES:
            raise ValueError(f"the table has no index {index.name}")
        size = _page_size(limit)
        names = Names()
        where = f"{names.name(index.hash)} = {names.value(value)}"
        if before is not None:
            where += f" AND {names.name(index.range)} <= {names.value(before)}"
        request: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": index.name,
            "KeyConditionExpression": where,
            "ScanIndexForward": not backwards,
        }
        if after is not None:
            request["ExclusiveStartKey"] = _start_of(index, value, after)
        items, last = self._read(names.into(request), size)
        return Page(items, None if last is None else _token_of(index, last))

    def _query(self, pk: str, prefix: str, after: str | None, *, consistent: bool, backwards: bool) -> dict[str, Any] | None:
        """The request; None when nothing can lie between the prefix and ``after``."""
        names = Names()
        where = f"{names.name('pk')} = {names.value(pk)}"
        if prefix:
            where += f" AND begins_with({names.name('sk')}, {names.value(prefix)})"
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": where,
            "ConsistentRead": consistent,
            "ScanIndexForward": not backwards,
        }
        if after and after.startswith(prefix):  # DynamoDB takes a start only from within what is asked for, there or not
            request["ExclusiveStartKey"] = key_of(Key(pk, after))
        elif after is not None and (after <= prefix if backwards else after > prefix):
            return None
        return names.into(request)

    def _read(self, request: dict[str, Any], size: int) -> tuple[list[Item], Attributes | None]:
        """Up to ``size`` items, in as many requests as it takes: an answer ends at 1 MB."""
        items: list[Item] = []
        while True:
            answer = self._requests.ask("Query", {**request, "Limit": size - len(items)})
            items += map(from_attributes, answer["Items"])
            last: Attributes | None = answer.get("LastEvaluatedKey")
            if last is None or len(items) >= size:
                return items, last
            request["ExclusiveStartKey"] = last

    # ---- writing -----------------------------------------------------------------------------------------------------

    def put(self, item: Item, only_if: Condition | None = None) -> None:
        self._writes.one(Put(item, only_if))

    def update(self, key: Key, change: Change, only_if: Condition | None = None) -> Item:
        return from_attributes(self._writes.one(Update(key, change, only_if)))

    def delete(self, key: Key, only_if: Condition | None = None) -> None:
        self._writes.one(Delete(key, only_if))

    def write_many(self, writes: Sequence[Write]) -> list[ConditionFailed | None]:
        return self._writes.many(writes)

    def transact(self, writes: Sequence[Write]) -> None:
        self._writes.together(writes)


def _page_size(limit: int | None) -> int:
    if limit is None:
        return PAGE_LIMIT
    if limit < 1:
        raise ValueError(f"a page of {limit} items: at least 1")
    return min(limit, PAGE_LIMIT)


def _token_of(index: Index, last: Attributes) -> str:
    """Where a page ended, as what is given back as ``after``: the index's range, then the item's own key."""
    return msgspec.json.encode([last[index.range]["N"], last["pk"]["S"], last["sk"]["S"]]).decode()


def _start_of(index: Index, value: str, after: str) -> Attributes:
    ranged, pk, sk = msgspec.json.decode(after, type=tuple[str, str, str])
    return {index.hash: {"S": value}, index.range: {"N": ranged}, **key_of(Key(pk, sk))}
