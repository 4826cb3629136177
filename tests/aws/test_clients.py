"""A process's connections to AWS."""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest

from milepost.aws.clients import Clients
from milepost.contract import DIRECT
from milepost.errors import ConfigurationError
from milepost.testing.moto.environment import dummy_environment

REGION = "eu-west-1"


def session(region: str | None = REGION) -> Any:
    return boto3.Session("testing", "testing", region_name=region)


class Counting:
    """A session that counts the clients it makes."""

    region_name = REGION

    def __init__(self) -> None:
        self.made: list[str] = []

    def client(self, name: str, **_: Any) -> object:
        self.made.append(name)
        return object()

    def get_credentials(self) -> None:
        return None


def test_each_client_is_made_once_and_when_it_is_needed() -> None:
    counting = Counting()
    clients = Clients(counting)
    assert counting.made == []
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(lambda: (clients.dynamodb, clients.sqs)) for _ in range(64)]
        found = [each.result() for each in asked]
    assert len(set(found)) == 1
    assert sorted(counting.made) == ["dynamodb", "sqs"]


@pytest.mark.parametrize("name", ["dynamodb", "sqs", "events", "scheduler", "s3", "ssm"])
def test_a_client_leaves_trying_again_to_us_and_does_not_wait_for_long(name: str) -> None:
    client: Any = getattr(Clients(session()), name)
    assert client.meta.service_model.service_name == name
    assert client.meta.region_name == REGION
    config = client.meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.connect_timeout <= 3
    assert config.read_timeout <= (30 if name == "s3" else 10)


def test_an_endpoint_is_that_of_every_service() -> None:
    clients = Clients(session(), endpoint="http://localhost:4566")
    for client in (clients.dynamodb, clients.sqs, clients.events, clients.scheduler, clients.s3, clients.ssm):
        assert client.meta.endpoint_url == "http://localhost:4566"
    assert clients.queue_url("arn:aws:sqs:eu-west-1:000000000000:jobs") == "http://localhost:4566/000000000000/jobs"


def test_a_queues_url_is_made_of_its_arn() -> None:
    clients = Clients(session())
    assert clients.queue_url("arn:aws:sqs:eu-west-1:123456789012:jobs") == "https://sqs.eu-west-1.amazonaws.com/123456789012/jobs"


def test_a_queue_in_another_region_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="queue 'jobs' is in us-east-1, and this process works in eu-west-1"):
        Clients(session()).queue_url("arn:aws:sqs:us-east-1:123456789012:jobs")


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_region_is_that_of_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with dummy_environment(REGION):
        for other in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            monkeypatch.delenv(other)
        monkeypatch.setenv(name, "eu-north-1")
        assert Clients().region == "eu-north-1"
        assert Clients().dynamodb.meta.region_name == "eu-north-1"


def test_no_region_is_an_error_that_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(ConfigurationError, match="no AWS region is set: set AWS_REGION"):
        Clients()


@pytest.mark.parametrize(("environ", "expected"), [({}, True), ({DIRECT: "1"}, True), ({DIRECT: "0"}, False)])
def test_the_environment_may_turn_the_quick_way_off(environ: dict[str, str], expected: bool) -> None:
    assert Clients.from_environment(environ, session=session()).is_direct is expected
    assert not Clients(session()).is_direct
