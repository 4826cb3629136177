"""moto with everything that the test kit corrects of it, without an app: what the tests of those corrections stand on."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from moto import mock_aws

from milepost.aws.clients import Clients
from milepost.testing.moto.delivery import rules_delivered
from milepost.testing.moto.environment import dummy_environment
from milepost.testing.moto.locks import one_at_a_time
from milepost.testing.moto.schedules import OneTime, schedules_checked
from milepost.testing.moto.sqs_time import under
from milepost.testing.moto.transactions import quick_tables
from tests.contract.beds import SetClock

REGION = "us-east-1"
ACCOUNT = "123456789012"
BOTO: Any = boto3
"""Any: stubs are installed for none of its clients."""
CLIENTS = Clients(BOTO.Session("testing", "testing", region_name=REGION))


@dataclass
class MotoBed:
    """moto, and its clock."""

    clock: SetClock
    clients: Clients
    schedules: OneTime

    def make_queue(self, name: str = "q", **attributes: str) -> str:
        """Its URL."""
        url: str = self.clients.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        return url

    def receive(self, url: str, limit: int = 10, **options: Any) -> list[dict[str, Any]]:
        answer = self.clients.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=limit, MessageSystemAttributeNames=["All"], MessageAttributeNames=["All"], **options
        )
        return list(answer.get("Messages") or ())

    def bodies(self, url: str) -> list[str]:
        return [message["Body"] for message in self.receive(url)]


def arn(queue: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"


@contextmanager
def moto_bed() -> Generator[MotoBed, None, None]:
    clock = SetClock()
    with ExitStack() as stack:
        stack.enter_context(dummy_environment(REGION))
        stack.enter_context(mock_aws(config={"core": {"mock_credentials": False}}))
        stack.enter_context(one_at_a_time())
        stack.enter_context(quick_tables())
        stack.enter_context(under(clock))
        stack.enter_context(rules_delivered(clock))
        stack.enter_context(schedules_checked(clock))
        yield MotoBed(clock, CLIENTS, OneTime(ACCOUNT, REGION))
