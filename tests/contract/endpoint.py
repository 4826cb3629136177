"""The contract suite on any endpoint that speaks AWS's protocols: a pytest plugin, which puts its bed in the place of all others.

    CONTRACT_ENDPOINT=http://127.0.0.1:4566 python -m pytest -p tests.contract.endpoint tests/contract      (`make contract`)

Each test has a stage of its own there, which goes with it. Time passes there by itself: a test waits for a few seconds really, and one
that asks for more is skipped.
"""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError

from milepost.aws.assembly import ports_on
from milepost.aws.clients import Clients
from milepost.aws.rules import Rule
from milepost.contract import Names
from milepost.local.bus import Route
from milepost.testing.moto import stage
from milepost.testing.moto.queues import Record, record_of
from tests.contract.beds import BEDS, GROUPS, START_MS, Bed, Poller, SetClock

ENDPOINT: Final = "CONTRACT_ENDPOINT"
MOST_WAITED_MS: Final = 2_500
_numbers: Final = count()


class PassingClock(SetClock):
    """Whoever sets it waits for that long."""

    def __init__(self) -> None:
        self._now = START_MS

    @property
    def now(self) -> int:
        return self._now

    @now.setter
    def now(self, at_ms: int) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        if at_ms - self._now > MOST_WAITED_MS:
            pytest.skip("so much time does not pass on an endpoint")
        time.sleep(max(0, at_ms - self._now) / 1000)
        self._now = at_ms


class RemoteQueues:
    """The queues of a stage, from outside."""

    def __init__(self, clients: Clients, names: Names) -> None:
        self._clients = clients
        self._names = names

    def receive(self, limit: int) -> list[Record]:
        """What the first queue that has something gives."""
        for arn in self._names.queues.values():
            answer = self._clients.sqs.receive_message(
                QueueUrl=self._clients.queue_url(arn), MaxNumberOfMessages=limit, MessageSystemAttributeNames=["All"], WaitTimeSeconds=0
            )
            if found := answer.get("Messages"):
                return [record_of(message, arn, self._clients.region) for message in found]
        return []

    def delete(self, records: list[Record]) -> None:
        for record in records:
            url = self._clients.queue_url(record["eventSourceARN"])
            self._clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=record["receiptHandle"])

    def group_of(self, record: Record) -> str:
        return next(group for group, arn in self._names.queues.items() if arn == record["eventSourceARN"])


def bed_on(clients: Clients) -> Callable[[Path], Any]:
    """The bed of a stage there."""

    @contextmanager
    def opened(_directory: Path) -> Generator[Bed]:
        clock = PassingClock()
        names = stage.names_of("contract", GROUPS, clients.region, f"-{os.getpid()}-{next(_numbers)}")
        stage.deploy(clients, names)
        ports = ports_on(names, clients, clock)
        poller = Poller(clients, RemoteQueues(clients, names), ports)
        rules: list[str] = []

        def add_route(route: Route) -> None:
            rules.append(f"{route.group}-{route.target}")
            stage.put_rule(
                clients, names, Rule(name=rules[-1], bus="app", pattern=dict(route.pattern), group=route.group, target=route.target)
            )

        try:
            yield Bed(ports, clock, poller, add_route, poller.worker_dies, grain_ms=1_000)
        finally:
            _take_away(clients, names, rules)

    return opened


def _take_away(clients: Clients, names: Names, rules: list[str]) -> None:
    clients.dynamodb.delete_table(TableName=names.table)
    for arn in (*names.queues.values(), *names.dead_letters.values()):
        clients.sqs.delete_queue(QueueUrl=clients.queue_url(arn))
    for rule in rules:
        clients.events.remove_targets(Rule=rule, EventBusName=names.bus, Ids=["queue"])
        clients.events.delete_rule(Name=rule, EventBusName=names.bus)
    clients.events.delete_event_bus(Name=names.bus)
    clients.scheduler.delete_schedule_group(Name=names.schedule_group)
    for key in clients.s3.list_objects_v2(Bucket=names.bucket).get("Contents", ()):
        clients.s3.delete_object(Bucket=names.bucket, Key=key["Key"])
    with suppress(ClientError):
        clients.s3.delete_bucket(Bucket=names.bucket)


def _clients(endpoint: str) -> Clients:
    """With the credentials and the region of the environment; an emulator takes any."""
    known: Any = boto3.Session()
    region = known.region_name or "us-east-1"
    if known.get_credentials() is not None:
        return Clients(boto3.Session(region_name=region), endpoint=endpoint)
    return Clients(boto3.Session("test", "test", region_name=region), endpoint=endpoint)


if ENDPOINT in os.environ:  # when it is loaded: conftest.py reads the beds before any hook is called
    BEDS.clear()
    BEDS["endpoint"] = bed_on(_clients(os.environ[ENDPOINT]))
