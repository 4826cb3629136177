"""Requests of many entries that AWS may take in part: cut into batches, and only what failed is sent again.

An answer 200 of SendMessageBatch and PutEvents says per entry whether it was taken. An entry that failed by AWS's fault is sent again
as it is, so whoever reads it knows it by its id; one that failed by its own fault never would be taken.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from botocore.exceptions import ClientError

from milepost.aws.attempts import Attempts
from milepost.aws.failures import Asked, failure_of

T = TypeVar("T")

MOST: Final = 10
"""Entries per request of SendMessageBatch and PutEvents (API references, read 2026-11-23)."""

MOST_BYTES: Final = 1024 * 1024
"""Of all entries of a request together, and so of one entry: SQS takes 1 MiB, and EventBridge less than 1 MB (API references of both,
read 2026-11-23)."""


def batches(entries: Iterable[T], size_of: Callable[[T], int], most_bytes: int = MOST_BYTES) -> Iterator[list[T]]:
    """The entries in order, in as few requests as the two limits allow. None is larger than ``most_bytes`` by itself."""
    batch: list[T] = []
    size = 0
    for entry in entries:
        own = size_of(entry)
        if batch and (len(batch) == MOST or size + own > most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += own
    if batch:
        yield batch


def send_until_taken(
    attempts: Attempts, asked: Asked, batch: Sequence[T], send: Callable[[Sequence[T]], list[tuple[T, ClientError]]]
) -> None:
    """Send a batch until every entry is taken. ``send`` makes one request and returns the entries that failed, with why.
    Raises AwsError: for the request as a whole, for an entry that trying again would not mend, or when patience ends.
    """
    since, tried, pending = attempts.started(), 1, batch
    while failed := attempts.call(asked, partial(send, pending)):
        failures = [failure_of(error, asked, tries=tried) for _, error in failed]
        final = next((failure for failure in failures if not failure.meaning.is_retriable), None)
        if final is not None:
            raise final
        if not attempts.pause(tried, since):
            raise failures[0]
        tried, pending = tried + 1, [entry for entry, _ in failed]


def entry_error(operation: str, code: str, message: str, *, is_its_own_fault: bool) -> ClientError:
    """What botocore would have raised, had the entry been a request of its own."""
    answer: Mapping[str, Any] = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400 if is_its_own_fault else 500},
    }
    return ClientError(answer, operation)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - all that is read of it
