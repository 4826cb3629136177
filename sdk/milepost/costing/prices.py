"""The price table, and nothing else that is dated: what AWS asks for a million of each thing, and what the others ask.

On-demand list prices without free tiers, discounts and taxes.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import msgspec


class Prices(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars for a million, unless said otherwise."""

    write_units: float
    read_units: float
    queue_requests: float
    """For each 64 KB."""
    events: float
    """For each 64 KB."""
    schedules: float
    blob_puts: float
    blob_gets: float
    invocations: float
    gb_seconds: float
    """A million seconds of a function of 1 GB."""
    transitions: float
    """AWS Step Functions, standard workflows: each execution of a state, retries included."""
    durable_operations: float
    """AWS Lambda durable functions: the start of an execution, a step, a wait."""


READ_ON: Final = date(2026, 11, 22)
"""When the pages below were read."""

SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Amazon DynamoDB": "https://aws.amazon.com/dynamodb/pricing/on-demand/",
        "Amazon SQS": "https://aws.amazon.com/sqs/pricing/",
        "Amazon EventBridge": "https://aws.amazon.com/eventbridge/pricing/",
        "Amazon S3": "https://aws.amazon.com/s3/pricing/",
        "AWS Lambda": "https://aws.amazon.com/lambda/pricing/",
        "AWS Step Functions": "https://aws.amazon.com/step-functions/pricing/",
    }
)

_NORTH_VIRGINIA: Final = Prices(
    write_units=0.625,
    read_units=0.125,
    queue_requests=0.40,
    events=1.00,
    schedules=1.00,
    blob_puts=5.00,
    blob_gets=0.40,
    invocations=0.20,
    gb_seconds=16.6667,
    transitions=25.00,
    durable_operations=8.00,
)

PRICES: Final[Mapping[str, Prices]] = MappingProxyType({"us-east-1": _NORTH_VIRGINIA})
"""By region."""
REGION: Final = "us-east-1"
"""Unless told."""
