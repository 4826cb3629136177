"""The queue port on SQS: one standard queue per worker group.

Sends only: a Lambda's event source mapping receives. Everything that can be known to be wrong is said before the first request.
"""

import math
import re
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from milepost.aws.batches import MOST_BYTES, batches, entry_error, send_until_taken
from milepost.aws.clients import Clients
from milepost.aws.failures import Asked
from milepost.contract import Names
from milepost.engine import keys
from milepost.engine.ports import MAX_DELAY_MS, Outgoing
from milepost.errors import ConfigurationError

ACTION: Final = "sqs:SendMessage"
"""What IAM asks of who calls SendMessageBatch."""

_GROUP_ID: Final = re.compile(r"[!-~]{1,128}")
"""What SQS takes for a MessageGroupId: letters, digits and punctuation (API reference of SendMessageBatch, read 2026-11-23)."""


class SqsQueue:
    """`Queue` of ports.py. Delays are whole seconds, rounded up: never early, and late by less than one."""

    def __init__(self, clients: Clients, names: Names) -> None:
        self._clients = clients
        self._names = names

    def send(self, messages: Sequence[Outgoing]) -> None:
        """Returns when all are accepted. Raises ValueError for a delay out of range and a message over 1 MiB, ConfigurationError for a
        worker group without a queue: all before anything is sent. Raises AwsError; then some may have been sent.
        """
        by_group: dict[str, list[Outgoing]] = {}
        for message in messages:
            _check(message)
            by_group.setdefault(message.group, []).append(message)
        for group, arn in [(group, queue_arn(self._names, group)) for group in by_group]:
            self._send_to(arn, by_group[group])

    def _send_to(self, arn: str, messages: Sequence[Outgoing]) -> None:
        clients = self._clients
        url = clients.queue_url(arn)
        asked = Asked(action=ACTION, resource=f"queue '{arn.rpartition(':')[2]}'", region=clients.region)
        for batch in batches(messages, _size):
            send_until_taken(clients.attempts, asked, batch, partial(self._request, url))

    def _request(self, url: str, batch: Sequence[Outgoing]) -> list[tuple[Outgoing, ClientError]]:
        entries = [_entry(number, message) for number, message in enumerate(batch)]
        answer: dict[str, Any] = self._clients.sqs.send_message_batch(QueueUrl=url, Entries=entries)
        return [
            (
                batch[int(failed["Id"])],
                entry_error("SendMessageBatch", failed["Code"], failed.get("Message", ""), is_its_own_fault=failed["SenderFault"]),
            )
            for failed in answer.get("Failed", ())
        ]


def queue_arn(names: Names, group: str) -> str:
    """The queue of a worker group. Raises ConfigurationError for a group that was not deployed."""
    arn = names.queues.get(group)
    if arn is None:
        known = ", ".join(repr(other) for other in sorted(names.queues))
        raise ConfigurationError(f"worker group {group!r} has no queue in this stage, which has {known}: deploy it, or change worker=")
    return arn


def _entry(number: int, message: Outgoing) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": str(number), "MessageBody": message.body}
    if message.delay_ms:
        entry["DelaySeconds"] = math.ceil(message.delay_ms / 1000)
    if message.fair_key:
        entry["MessageGroupId"] = message.fair_key if _GROUP_ID.fullmatch(message.fair_key) else keys.digest("fair", message.fair_key)
    return entry


def _check(message: Outgoing) -> None:
    if not 0 <= message.delay_ms <= MAX_DELAY_MS:
        raise ValueError(f"a delay of {message.delay_ms} ms: 0 to {MAX_DELAY_MS}; a timer goes further")
    size = _size(message)
    if size > MOST_BYTES:
        raise ValueError(f"a message of {size:,} bytes to worker group {message.group!r}: {MOST_BYTES:,} are the most that SQS takes")
    if not message.body:
        raise ValueError(f"an empty message to worker group {message.group!r}: SQS takes none")


def _size(message: Outgoing) -> int:
    body = message.body
    return len(body) if body.isascii() else len(body.encode())
