"""A deployed stage in moto, for tests of the ports: clients that never pause, and an ear for every request."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from milepost.aws.attempts import Attempts
from milepost.aws.clients import Clients
from milepost.contract import Names
from milepost.testing.moto.environment import dummy_environment
from milepost.testing.moto.stage import deploy, names_of

REGION = "eu-west-1"
NOW = 1_800_000_000_000


@dataclass
class SetClock:
    """Time as a test sets it."""

    now: int = NOW

    def now_ms(self) -> int:
        return self.now

    def wait(self, ms: int) -> bool:
        self.now += ms
        return True


@dataclass
class Deployed:
    """The stage, what was asked of it, and what it was made to answer."""

    names: Names
    clients: Clients
    clock: SetClock = field(default_factory=SetClock)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])
    """Operation and arguments of each request."""
    pauses: list[float] = field(default_factory=list[float])

    def requests(self, operation: str) -> list[dict[str, Any]]:
        return [arguments for name, arguments in self.asked if name == operation]

    def received(self, group: str = "default") -> list[dict[str, Any]]:
        """The messages in a group's queue."""
        url = self.clients.queue_url(self.names.queues[group])
        answer = self.clients.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], VisibilityTimeout=3_600
        )
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def answers(self, client: Any, operation: str, *answers: Callable[[], AWSResponse | None]) -> None:
        """The next requests of an operation are answered so, though moto carries them out; `by_moto`: as moto answers."""
        left = list(answers)

        def answer(**_: Any) -> AWSResponse | None:
            return left.pop(0)() if left else None

        service = client.meta.service_model.service_id.hyphenize()
        client.meta.events.register_first(f"before-send.{service}.{operation}", answer)


@cache
def _session() -> boto3.Session:
    """One for all tests: it reads the models of the services once."""
    return boto3.Session("testing", "testing", region_name=REGION)


@contextmanager
def deployed(*groups: str) -> Generator[Deployed]:
    """A stage with the queues of these worker groups beside the default one."""
    with dummy_environment(REGION), mock_aws():
        pauses: list[float] = []
        time = [0.0]

        def sleep(seconds: float) -> None:
            pauses.append(seconds)
            time[0] += seconds

        clients = Clients(_session(), attempts=Attempts(monotonic=lambda: time[0], sleep=sleep, chance=lambda: 1.0))
        names = names_of("shop", groups, REGION)
        deploy(clients, names)
        stage = Deployed(names=names, clients=clients, pauses=pauses)
        for client in (clients.sqs, clients.events, clients.scheduler, clients.s3, clients.ssm):
            client.meta.events.register("provide-client-params.*.*", _ear(stage))
        yield stage


def _ear(stage: Deployed) -> Callable[..., None]:
    def hear(params: dict[str, Any], model: Any, **_: Any) -> None:
        stage.asked.append((model.name, params))

    return hear


class _Body:
    """What botocore reads of an answer."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._content

    def read(self, _amount: int | None = None) -> bytes:
        content, self._content = self._content, b""
        return content


def answered(content: str | bytes, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Callable[[], AWSResponse]:
    """An answer of AWS, instead of moto's."""
    raw = content.encode() if isinstance(content, str) else content
    all_headers = HTTPHeaders.from_dict({"Content-Type": "application/x-amz-json-1.0", **headers})
    return lambda: AWSResponse("https://aws", status, all_headers, _Body(raw))


def refused(code: str, message: str = "", status: int = 400) -> Callable[[], AWSResponse]:
    """An error of AWS."""
    return answered(f'{{"__type": "com.amazonaws#{code}", "message": "{message}"}}', status, {"x-amzn-errortype": code})


def by_moto() -> None:
    """No answer of ours."""
