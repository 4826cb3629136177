"""The connections of a process to AWS: each client made once, when first needed, for all threads.

Owns region, endpoint, time-outs and pools. Retries are attempts.py's: botocore's own are off. botocore is slow to import, so this
module is imported only by who is about to use it.
"""

import os
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Protocol

from milepost.aws.attempts import Attempts
from milepost.contract import DIRECT
from milepost.errors import ConfigurationError

CONNECT_S: Final = 2
READ_S: Final = 6
"""For an answer that takes milliseconds: later it is lost, and asking again is quicker."""
READ_BLOB_S: Final = 30
"""S3: an answer of up to 32 MB."""
AT_ONCE: Final = 16
"""Requests of one process that go on at the same time, those of its own threads not counted. Below POOL."""
POOL: Final = 32
"""Connections kept per client: the most that one slice writes in parallel."""


class Session(Protocol):
    """What is used of a `boto3.Session`."""

    @property
    def region_name(self) -> str | None: ...

    @property
    def client(self) -> Any: ...

    def get_credentials(self) -> Any: ...


class Clients:
    """boto3's clients for the services of a deployed app.

    ``session`` is the default one of a new `boto3.Session()` when it is not given, ``endpoint`` where all services answer (an
    emulator); else AWS, or what AWS_ENDPOINT_URL says. ``is_direct`` lets the table take its quick way past boto3 (direct.py): leave
    it off where botocore's events are hooked, as moto does.
    ``at_once``: requests of the table that go on at the same time, those of its callers' threads not counted; 1: one after the other.
    Raises ConfigurationError when no region is set.
    """

    def __init__(
        self,
        session: Session | None = None,
        *,
        endpoint: str | None = None,
        is_direct: bool = False,
        attempts: Attempts | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        self._session = session if session is not None else _new_session()
        region = self._session.region_name or os.environ.get("AWS_REGION")  # which boto3 does not read, as other SDKs do
        if not region:
            raise ConfigurationError("no AWS region is set: set AWS_REGION, or `region` in the profile of your AWS configuration")
        self._mutex = threading.Lock()
        self._made: dict[str, Any] = {}
        self.region: Final = region
        self.endpoint: Final = endpoint
        self.is_direct: Final = is_direct
        self.at_once: Final = at_once
        self.attempts: Final = attempts if attempts is not None else Attempts()
        """The way every request is made again."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], *, session: Session | None = None) -> "Clients":
        """As a worker makes them: the quick way is on unless MILEPOST_DIRECT is `0`."""
        return cls(session, is_direct=environ.get(DIRECT) != "0")

    @cached_property
    def credentials(self) -> Any:
        """botocore's, which renew themselves; None when there are none."""
        return self._session.get_credentials()

    @property
    def dynamodb(self) -> Any:
        """The client of DynamoDB."""
        return self._client("dynamodb")

    @property
    def sqs(self) -> Any:
        """The client of SQS."""
        return self._client("sqs")

    @property
    def events(self) -> Any:
        """The client of EventBridge."""
        return self._client("events")

    @property
    def scheduler(self) -> Any:
        """The client of EventBridge Scheduler."""
        return self._client("scheduler")

    @property
    def s3(self) -> Any:
        """The client of S3."""
        return self._client("s3")

    @property
    def ssm(self) -> Any:
        """The client of Systems Manager."""
        return self._client("ssm")

    def queue_url(self, arn: str) -> str:
        """The URL of a queue, made of its ARN without a request. Raises ConfigurationError for another region's queue."""
        _, _, _, region, account, name = arn.split(":", 5)
        if region and region != self.region:
            raise ConfigurationError(f"queue {name!r} is in {region}, and this process works in {self.region}: {arn}")
        return f"{self.sqs.meta.endpoint_url}/{account}/{name}"

    def _client(self, service: str) -> Any:
        client = self._made.get(service)
        if client is not None:
            return client
        with self._mutex:  # boto3 sessions must not make two clients at once
            if service not in self._made:
                self._made[service] = self._session.client(
                    service, region_name=self.region, endpoint_url=self.endpoint, config=_config(service, self.endpoint)
                )
            return self._made[service]


def _new_session() -> Session:
    import boto3

    return boto3.Session()


def _config(service: str, endpoint: str | None) -> Any:
    from botocore.config import Config

    return Config(
        connect_timeout=CONNECT_S,
        read_timeout=READ_BLOB_S if service == "s3" else READ_S,
        max_pool_connections=POOL,
        tcp_keepalive=True,
        user_agent_extra="milepost",
        retries={"total_max_attempts": 1, "mode": "standard"},
        account_id_endpoint_mode="disabled",  # one endpoint for both ways to DynamoDB, and moto knows no other
        s3={"addressing_style": "path"} if service == "s3" and endpoint is not None else None,  # bucket.localhost is no host
    )
