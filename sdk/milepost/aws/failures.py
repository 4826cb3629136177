"""The one table of AWS errors: what each code and each broken connection means to us, and the sentence a user reads.

Nothing else under ``aws/`` knows what a code means, but for the outcomes that an operation documents (a condition that did not
hold, a schedule that is there already): those are read from `AwsError.code` and `AwsError.answer` by who asked.
"""

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    FlexibleChecksumError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
)

from milepost.engine.ports import PortError
from milepost.errors import CloudError


class Meaning(enum.Enum):
    """What a failure says about the request, and about trying again."""

    THROTTLED = "throttled"
    """Not done; try again later."""
    IN_CONFLICT = "in conflict"
    """Not done, for another request was at the same item; try again soon."""
    FAULTY = "faulty"
    """AWS failed, or the answer was lost: nobody knows whether it was done; try again."""
    UNREACHABLE = "unreachable"
    """No connection was made, so it was not done; try again."""
    DENIED = "denied"
    MISSING = "missing"
    UNSIGNED = "unsigned"
    """No credentials, or such as AWS does not take."""
    REFUSED = "refused"
    """Anything else: the request cannot be served as it is, or is an outcome of the operation."""

    @property
    def is_retriable(self) -> bool:
        """Whether the same request may go through when it is made again."""
        return self in _RETRIABLE


_RETRIABLE: Final = frozenset({Meaning.THROTTLED, Meaning.IN_CONFLICT, Meaning.FAULTY, Meaning.UNREACHABLE})

# Codes as in the API references of DynamoDB, SQS, EventBridge, Scheduler, S3 and SSM, and in botocore's retries/standard.py
# (read 2026-11-23). Two spellings of one thing are two services.
CODES: Final[Mapping[Meaning, tuple[str, ...]]] = {
    Meaning.THROTTLED: (
        "BandwidthLimitExceeded",
        "KMS.ThrottlingException",
        "KmsThrottled",
        "OverLimit",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TooManyUpdates",
    ),
    Meaning.IN_CONFLICT: (
        "ConcurrentModificationException",
        "ConditionalRequestConflict",
        "ReplicatedWriteConflictException",
        "TransactionConflictException",
        "TransactionInProgressException",
    ),
    Meaning.FAULTY: (
        "InternalError",
        "InternalException",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    ),
    Meaning.DENIED: (
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "KMS.AccessDeniedException",
        "KmsAccessDenied",
        "NotAuthorized",
        "UnauthorizedOperation",
    ),
    Meaning.MISSING: (
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchBucket",
        "ParameterNotFound",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    ),
    Meaning.UNSIGNED: (
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    ),
}
_MEANINGS: Final = {code: meaning for meaning, codes in CODES.items() for code in codes}

_CONNECTIONS: Final[tuple[tuple[type[BotoCoreError], Meaning], ...]] = (
    (ConnectTimeoutError, Meaning.UNREACHABLE),
    (EndpointConnectionError, Meaning.UNREACHABLE),
    (ProxyConnectionError, Meaning.UNREACHABLE),
    (SSLError, Meaning.UNREACHABLE),
    (ConnectionClosedError, Meaning.FAULTY),
    (HTTPClientError, Meaning.FAULTY),  # a read time-out is one of these
    (IncompleteReadError, Meaning.FAULTY),  # of a body: fewer bytes came than were announced
    (FlexibleChecksumError, Meaning.FAULTY),  # or others
    (NoCredentialsError, Meaning.UNSIGNED),
    (PartialCredentialsError, Meaning.UNSIGNED),
    (CredentialRetrievalError, Meaning.UNSIGNED),
    (TokenRetrievalError, Meaning.UNSIGNED),
    (SSOError, Meaning.UNSIGNED),
)
"""Failures without an answer, the special before the general."""

_DENIAL: Final = re.compile(
    r"User: (?P<caller>\S+) is not authorized to perform: (?P<action>[\w:.-]+)(?: on resource: (?P<resource>[^\s,]+))?"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is asked of AWS, in the words of an error: the IAM action, and what it is asked of."""

    action: str
    """`dynamodb:PutItem`"""
    resource: str
    """`table 'shop-state'`"""
    region: str


class AwsError(PortError, CloudError):
    """AWS has not done it, or nobody knows whether it has. The message says what was asked, why it failed, and what to do."""

    def __init__(
        self, message: str, *, asked: Asked, code: str, meaning: Meaning, is_ambiguous: bool, answer: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.operation = asked.action
        self.resource = asked.resource
        self.code = code
        """AWS's own, or the name of botocore's exception when there was no answer."""
        self.meaning = meaning
        self.is_ambiguous = is_ambiguous
        """This try or an earlier one may have taken effect."""
        self.answer: Mapping[str, Any] = answer or {}
        """AWS's answer as botocore parses it: `Item`, `CancellationReasons` and so on."""

    @property
    def is_throttle(self) -> bool:
        """Whether AWS asks for a slower pace."""
        return self.meaning is Meaning.THROTTLED


def meaning_of(code: str, status: int) -> Meaning:
    """What an error code means; for one that is not in the table its HTTP status says it."""
    meaning = _MEANINGS.get(code)
    if meaning is not None:
        return meaning
    if status == 429:
        return Meaning.THROTTLED
    return Meaning.FAULTY if status >= 500 else Meaning.REFUSED


def failure_of(error: BotoCoreError | ClientError, asked: Asked, *, tries: int = 1, was_ambiguous: bool = False) -> AwsError:
    """The error that stands for one of botocore's. ``was_ambiguous``: an earlier try may have taken effect."""
    answer: Mapping[str, Any] | None = None
    if isinstance(error, ClientError):
        answer = error.response
        said: Mapping[str, Any] = answer.get("Error", {})
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code, text = str(said.get("Code", status)), str(said.get("Message") or "")
        meaning = meaning_of(code, status)
    else:
        code, text = type(error).__name__, str(error)
        meaning = next((meaning for kind, meaning in _CONNECTIONS if isinstance(error, kind)), Meaning.REFUSED)
    is_ambiguous = was_ambiguous or meaning is Meaning.FAULTY
    message = _sentence(asked, meaning, code, text)
    if tries > 1:
        message += f" (tried {tries} times)"
    if is_ambiguous:
        message += " (nobody knows whether it was done; what is done twice with the same id has one effect)"
    return AwsError(message, asked=asked, code=code, meaning=meaning, is_ambiguous=is_ambiguous, answer=answer)


def _sentence(asked: Asked, meaning: Meaning, code: str, text: str) -> str:
    request = f"{asked.action} on {asked.resource} in {asked.region}"
    why = f"{code}: {text}" if text else code
    match meaning:
        case Meaning.DENIED:
            return _denial(asked, text, why)
        case Meaning.MISSING:
            where = f"in {asked.region} of this account ({asked.action}: {why})"
            return f"there is no {asked.resource} {where}: is the stage deployed? look at account, region and names"
        case Meaning.UNSIGNED:
            return f"{request}: AWS knows no caller ({why}): look at the credentials: `aws sts get-caller-identity` says whose they are"
        case Meaning.THROTTLED:
            return f"{request} is throttled ({why}): try again later; if it goes on, raise the quota or lower the concurrency"
        case Meaning.IN_CONFLICT:
            return f"{request} met another request at the same place every time ({why}): try again"
        case Meaning.FAULTY:
            return f"{request}: AWS failed or its answer was lost ({why}): try again"
        case Meaning.UNREACHABLE:
            return f"{request}: AWS is out of reach ({why}): look at the network and the endpoint, then try again"
        case Meaning.REFUSED:
            return f"{request} was refused ({why})"


def _denial(asked: Asked, text: str, why: str) -> str:
    """AWS may name another action than the one that was asked for: kms:Decrypt, iam:PassRole."""
    found = _DENIAL.search(text)
    if found is None:
        return f"{asked.action} on {asked.resource} in {asked.region} is not allowed: grant it to the caller ({why})"
    place = f" ({found['resource']})" if found["resource"] else ""
    return f"{found['action']} on {asked.resource}{place} is not allowed for {found['caller']}: grant it to that role or user ({why})"
