"""The quick way to DynamoDB: our own JSON, signed by botocore's signer, over boto3's own pool of connections.

boto3 spends half of a small request's CPU on validating, on events and on parsing, of which DynamoDB's JSON protocol needs nothing
(decisions.md has the figures). What hooks botocore's events does not see these requests: moto, tracing patches. So this way is
taken only when Clients says so.
"""

from typing import Any, Final, TypeVar

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, NoCredentialsError

from milepost.aws.clients import Clients
from milepost.aws.items import Attributes
from milepost.aws.shapes import decoder_of
from milepost.aws.ways import OPERATIONS

S = TypeVar("S")

_TARGET: Final = "DynamoDB_20120810."
_encode: Final = msgspec.json.Encoder().encode  # bytes as base64, as the protocol has them
_decode: Final = msgspec.json.Decoder(dict[str, Any]).decode


class DirectWay:
    """`Way` of ways.py. Safe from many threads."""

    def __init__(self, clients: Clients) -> None:
        client = clients.dynamodb
        self._url: str = client.meta.endpoint_url + "/"
        self._region = clients.region
        self._clients = clients
        self._send = client._endpoint.http_session.send  # noqa: SLF001 - its pool, proxies, time-outs and certificates
        self._headers = {
            operation: {
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": _TARGET + operation,
                "User-Agent": client.meta.config.user_agent,
            }
            for operation in OPERATIONS
        }

    def ask(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        return _decode(self._ask(operation, request))

    def query(self, shape: type[S], request: dict[str, Any]) -> tuple[list[S], Attributes | None]:
        return decoder_of(shape)(self._ask("Query", request))

    def _ask(self, operation: str, request: dict[str, Any]) -> bytes:
        credentials = self._clients.credentials
        if credentials is None:
            raise NoCredentialsError
        asking = AWSRequest(method="POST", url=self._url, data=_encode(request), headers=self._headers[operation])
        SigV4Auth(credentials.get_frozen_credentials(), "dynamodb", self._region).add_auth(asking)
        answer = self._send(asking.prepare())
        content: bytes = answer.content
        if answer.status_code >= 300:
            raise _refusal(operation, answer.status_code, content)
        return content


def _refusal(operation: str, status: int, content: bytes) -> ClientError:
    """As botocore would raise it: the error's name without its namespace, and all else that the answer says."""
    try:
        said = _decode(content)
    except msgspec.DecodeError:  # of a proxy, say
        said = {}
    code = str(said.pop("__type", status)).rpartition("#")[2]
    message = said.pop("message", None) or said.pop("Message", None) or ""
    answer: Any = {**said, "Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)
