"""The state table as data, in the words of DynamoDB's CreateTable: for the test kit, contract runs on any endpoint, and constructs.

What stands in the table is docs/design/data.md's matter; here is only what DynamoDB must know of it.
"""

from collections.abc import Mapping
from typing import Any, Final

from milepost.engine.ports import INDEXES

HASH: Final = "pk"
RANGE: Final = "sk"
TTL: Final = "ttl"
"""The attribute by which DynamoDB forgets items: epoch seconds. It is late by hours, so readers look at it themselves."""

PROJECTION: Final = "KEYS_ONLY"
"""An index says where items are. Whoever acts on one reads it by its key, so more in the index would cost and serve nobody: an
update that leaves an index's two attributes alone costs nothing there."""

ATTRIBUTES: Final[Mapping[str, str]] = {
    HASH: "S",
    RANGE: "S",
    **{index.hash: "S" for index in INDEXES},
    **{index.range: "N" for index in INDEXES},
}
"""Attributes that are part of a key, with DynamoDB's type of each."""


def create_table(name: str) -> dict[str, Any]:
    """The arguments of CreateTable: on demand, both indexes."""
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": attribute, "AttributeType": kind} for attribute, kind in ATTRIBUTES.items()],
        "KeySchema": _keys(HASH, RANGE),
        "GlobalSecondaryIndexes": [
            {"IndexName": index.name, "KeySchema": _keys(index.hash, index.range), "Projection": {"ProjectionType": PROJECTION}}
            for index in INDEXES
        ],
    }


def time_to_live(name: str) -> dict[str, Any]:
    """The arguments of UpdateTimeToLive."""
    return {"TableName": name, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": TTL}}


def _keys(hashed: str, ranged: str) -> list[dict[str, str]]:
    return [{"AttributeName": hashed, "KeyType": "HASH"}, {"AttributeName": ranged, "KeyType": "RANGE"}]
