"""The beds of the contract suite when it runs on DynamoDB Local: a pytest plugin, which puts them in the place of all others."""

import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Final

import boto3
import msgspec

from milepost.aws import schema
from milepost.aws.clients import Clients
from milepost.aws.table import DynamoTable
from tests.contract.beds import BEDS, Bed, memory

ENDPOINT: Final = "CONTRACT_ENDPOINT"
"""The environment variable that says where DynamoDB Local listens."""
_numbers: Final = count()


def bed_on(clients: Clients) -> Callable[[Path], AbstractContextManager[Bed]]:
    """A bed whose table stands there, a new one for each test; all else is in memory."""

    @contextmanager
    def opened(directory: Path) -> Generator[Bed]:
        name = f"contract-{os.getpid()}-{next(_numbers)}"
        clients.dynamodb.create_table(**schema.create_table(name))
        try:
            with memory(directory) as bed:
                bed.ports = msgspec.structs.replace(bed.ports, table=DynamoTable(clients, name))
                yield bed
        finally:
            clients.dynamodb.delete_table(TableName=name)

    return opened


def _clients(*, is_direct: bool) -> Clients:
    session = boto3.Session(aws_access_key_id="local", aws_secret_access_key="local", region_name="eu-west-1")
    return Clients(session, endpoint=os.environ[ENDPOINT], is_direct=is_direct)


if ENDPOINT in os.environ:  # when it is loaded: conftest.py reads them before any hook is called
    BEDS.clear()
    BEDS.update({"by boto3": bed_on(_clients(is_direct=False)), "directly": bed_on(_clients(is_direct=True))})
