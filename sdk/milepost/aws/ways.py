"""The way of a request to DynamoDB: through boto3, or the quick one past it (direct.py). Both take and give the same.

A way makes one try and raises what botocore raises; trying again is attempts.py's, and what an error means failures.py's.
"""

from typing import Any, Final, Protocol, TypeVar

import msgspec

from milepost.aws.clients import Clients
from milepost.aws.items import Attributes, from_attributes

S = TypeVar("S")


OPERATIONS: Final = {
    "BatchGetItem": "batch_get_item",
    "BatchWriteItem": "batch_write_item",
    "DeleteItem": "delete_item",
    "GetItem": "get_item",
    "PutItem": "put_item",
    "Query": "query",
    "TransactWriteItems": "transact_write_items",
    "UpdateItem": "update_item",
}
"""All that is asked of DynamoDB, with boto3's name of each."""


class Way(Protocol):
    """One try of one request."""

    def ask(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to `PutItem` and the like, in the API's own words."""
        ...

    def query(self, shape: type[S], request: dict[str, Any]) -> tuple[list[S], Attributes | None]:
        """The items of a Query as Structs, and its LastEvaluatedKey."""
        ...


class PlainWay:
    """Through boto3's client, and so past everything that hooks its events."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def ask(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self._clients.dynamodb, OPERATIONS[operation])(**request)
        return answer

    def query(self, shape: type[S], request: dict[str, Any]) -> tuple[list[S], Attributes | None]:
        answer = self.ask("Query", request)
        items = [from_attributes(attributes) for attributes in answer["Items"]]
        return msgspec.convert(items, list[shape], builtin_types=(bytes,)), answer.get("LastEvaluatedKey")  # type: ignore[valid-type]
