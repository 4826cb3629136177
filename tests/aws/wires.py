"""The table on moto by either way, with an ear and a hand on the wire: what was asked, and answers that never come.

The quick way sends through a connection pool, the plain one through botocore's events: both end in `Wire.send`, and that in moto.
"""

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeAlias

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import botocore_stubber

from milepost.aws import schema
from milepost.aws.attempts import Attempts
from milepost.aws.clients import Clients
from milepost.aws.table import DynamoTable
from milepost.testing.moto.environment import dummy_environment
from tests.aws.deployed import answered

TABLE = "shop-state"
REGION = "eu-west-1"

WayName: TypeAlias = Literal["plain", "direct"]
WAYS: tuple[WayName, ...] = ("plain", "direct")

Fate: TypeAlias = Callable[["Wire", AWSPreparedRequest], AWSResponse]


def served(wire: "Wire", request: AWSPreparedRequest) -> AWSResponse:
    """moto answers."""
    return wire.moto(request)


def lost(wire: "Wire", request: AWSPreparedRequest) -> AWSResponse:
    """moto does it, and its answer is lost."""
    wire.moto(request)
    raise ReadTimeoutError(endpoint_url=request.url)


def unheard(_wire: "Wire", request: AWSPreparedRequest) -> AWSResponse:
    """Neither done nor answered."""
    raise ReadTimeoutError(endpoint_url=request.url)


def refused(code: str, message: str = "", status: int = 400, **more: Any) -> Fate:
    """AWS answers with an error."""
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message, **more})
    return lambda _wire, _request: answered(body, status)()


def answering(**answer: Any) -> Fate:
    """AWS answers so."""
    return lambda _wire, _request: answered(json.dumps(answer))()


@dataclass
class Wire:
    """Where every request of a table passes."""

    fates: list[Fate] = field(default_factory=list[Fate])
    """Of the next requests; the others are served."""
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])
    """Operation and body of each."""
    headers: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    pauses: list[float] = field(default_factory=list[float])
    time: float = 0.0
    mutex: threading.RLock = field(default_factory=threading.RLock)

    def send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """One request."""
        with self.mutex:
            headers = {name: _text(value) for name, value in request.headers.items()}
            self.headers.append(headers)
            self.sent.append((headers["X-Amz-Target"].partition(".")[2], json.loads(_text(request.body or b"{}"))))
            fate = self.fates.pop(0) if self.fates else served
            return fate(self, request)

    def moto(self, request: AWSPreparedRequest) -> AWSResponse:
        """What moto makes of it."""
        stubber: Any = BotocoreStubber()
        stubber.enabled = True
        answer: AWSResponse = stubber("before-send", request)
        return answer

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.sent]

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds


@contextmanager
def table_on_moto(way: WayName) -> Generator[tuple[DynamoTable, Wire]]:
    """A table, empty, and its wire."""
    wire = Wire()
    with dummy_environment(REGION), mock_aws():
        clients = _clients(way)
        clients.dynamodb.meta.events.unregister("before-send", unique_id="wire")
        clients.dynamodb.create_table(**schema.create_table(TABLE))
        clients.dynamodb.meta.events.register("before-send", wire.send, unique_id="wire")
        botocore_stubber.enabled = False  # botocore asks all who listen, and takes the first answer: moto is asked by the wire alone
        patient = Attempts(monotonic=lambda: wire.time, sleep=wire.sleep, chance=lambda: 1.0)
        yield DynamoTable(_with(clients, patient, wire), TABLE), wire


@cache
def _clients(way: WayName) -> Clients:
    """Made once a process: a client takes 50 ms."""
    return Clients(boto3.Session("testing", "testing", "testing", region_name=REGION), is_direct=way == "direct")


def _with(clients: Clients, attempts: Attempts, wire: Wire) -> Clients:
    """The same clients, patient in virtual time, and through the wire."""
    object.__setattr__(clients, "attempts", attempts)
    clients.dynamodb._endpoint.http_session = wire
    return clients


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
