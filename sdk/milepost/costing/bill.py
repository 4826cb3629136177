"""From what was used to the bill of a million times that, beside what others would ask for the same steps.

The engine alone is billed: what a step does, and the time it takes, costs what it costs everywhere.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from milepost.costing.prices import Prices
from milepost.runs import StepRecord
from milepost.testing.usage import Usage

MILLION: Final = 1_000_000

INVOCATION_MS: Final = 10.0
"""Assumed: what an invocation takes beside its requests, on a warm worker."""
REQUEST_MS: Final = 5.0
"""Assumed: what a request to the table takes within a region."""
MEMORY_MB: Final = 512
"""Of the worker, unless told."""

_UNRECORDED: Final = frozenset({"patch", "timer"})
"""Kinds that are no step or wait to anybody else."""


class BillLine(msgspec.Struct, frozen=True, kw_only=True):
    """One service's part."""

    service: str
    what: str
    count: float
    """Of one scenario."""
    price: float
    """US dollars for a million."""
    dollars: float
    """US dollars for a million scenarios."""


class Rival(msgspec.Struct, frozen=True, kw_only=True):
    """What another service asks for the orchestration alone: compute and data come on top."""

    service: str
    what: str
    count: int
    """Of one scenario."""
    price: float
    """US dollars for a million."""
    dollars: float
    """US dollars for a million scenarios."""


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """What a million scenarios cost."""

    scenario: str
    """A function that was started with data made up, or the scenario that was given."""
    region: str
    prices_of: str
    """The day when the price table was read."""
    runs: dict[str, int]
    """How the runs of one scenario stand at its end, by status."""
    lines: list[BillLine]
    dollars: float
    """US dollars for a million scenarios."""
    rivals: list[Rival]


def lines_of(usage: Usage, prices: Prices, *, memory_mb: int = MEMORY_MB) -> list[BillLine]:
    """The lines of a bill, the dearest first; nothing for what was not used."""
    seconds = (usage.invocations * INVOCATION_MS + usage.requests * REQUEST_MS) / 1000
    lines = [
        _line("Amazon DynamoDB", "write units, indexes included", usage.units, prices.write_units),
        _line("Amazon DynamoDB", "read units", usage.read_units, prices.read_units),
        _line("Amazon SQS", "requests", usage.queue_requests, prices.queue_requests),
        _line("Amazon EventBridge", "events published", usage.events, prices.events),
        _line("EventBridge Scheduler", "one-time schedules", usage.schedules, prices.schedules),
        _line("Amazon S3", "large values stored", usage.blob_puts, prices.blob_puts),
        _line("Amazon S3", "large values read", usage.blob_gets, prices.blob_gets),
        _line("AWS Lambda", "invocations", usage.invocations, prices.invocations),
        _line("AWS Lambda", "GB-seconds of the engine", round(seconds * memory_mb / 1024, 6), prices.gb_seconds),
    ]
    return sorted((line for line in lines if line.count), key=lambda line: -line.dollars)


def total_of(lines: Iterable[BillLine]) -> float:
    """The sum at the foot."""
    return round(sum(line.dollars for line in lines), 4)


def rivals_of(histories: Mapping[str, Iterable[StepRecord]], prices: Prices) -> list[Rival]:
    """What others count in the same histories, by run: Step Functions each state and each retry, but neither start nor end;
    Lambda durable functions each execution and each operation, retries not.
    """
    steps = [step for history in histories.values() for step in history if step.kind not in _UNRECORDED]
    transitions = sum(max(1, step.attempts) for step in steps)
    operations = len(histories) + len(steps)
    return [
        _rival("AWS Step Functions", "transitions", transitions, prices.transitions),
        _rival("Lambda durable functions", "operations", operations, prices.durable_operations),
    ]


def _rival(service: str, what: str, count: int, price: float) -> Rival:
    return Rival(service=service, what=what, count=count, price=price, dollars=round(count * price, 4))


def _line(service: str, what: str, count: float, price: float) -> BillLine:
    return BillLine(service=service, what=what, count=count, price=price, dollars=round(count * price, 4))
