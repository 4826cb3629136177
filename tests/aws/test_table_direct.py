"""The table's contract once more, past boto3: the quick way keeps every law of the port."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from milepost.aws.clients import Clients
from milepost.aws.failures import AwsError
from milepost.aws.table import DynamoTable
from milepost.engine.ports import Key, Table
from tests.aws.wires import Wire, table_on_moto
from tests.contract.test_table import *  # noqa: F403
from tests.contract.test_table_queries import *  # noqa: F403

TOKEN = "testing"


@pytest.fixture
def wire() -> Generator[tuple[Table, Wire]]:
    with table_on_moto("direct") as opened:
        yield opened


@pytest.fixture
def table(wire: tuple[Table, Wire]) -> Table:
    return wire[0]


def test_a_request_is_signed_and_speaks_dynamodbs_protocol(wire: tuple[Table, Wire]) -> None:
    table, sent = wire
    table.get(Key("a", "b"))
    [(operation, body)], [headers] = sent.sent, sent.headers
    assert operation == "GetItem"
    assert body == {"TableName": "shop-state", "Key": {"pk": {"S": "a"}, "sk": {"S": "b"}}, "ConsistentRead": True}
    assert headers["X-Amz-Target"] == "DynamoDB_20120810.GetItem"
    assert headers["Content-Type"] == "application/x-amz-json-1.0"
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=testing/")
    assert "/eu-west-1/dynamodb/aws4_request" in headers["Authorization"]
    assert headers["X-Amz-Security-Token"] == TOKEN
    assert "milepost" in headers["User-Agent"]


def test_without_credentials_nothing_is_sent(wire: tuple[Table, Wire]) -> None:
    nobody = Nobody(boto3.Session(region_name="eu-west-1"))
    table = DynamoTable(Clients(nobody, is_direct=True), "shop-state")
    with pytest.raises(AwsError, match=r"AWS knows no caller .*look at the credentials"):
        table.get(Key("a", "b"))
    assert wire[1].sent == []


@dataclass
class Nobody:
    """A session without credentials."""

    session: Any
    region_name: str = "eu-west-1"

    @property
    def client(self) -> Any:
        return self.session.client

    def get_credentials(self) -> None:
        return None
