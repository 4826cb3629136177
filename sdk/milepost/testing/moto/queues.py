"""The worker's end of moto's queues: what Lambda's poller does with SQS, on a clock that stands still until it is moved."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from moto.sqs.models import Message, sqs_backends

from milepost.aws.clients import Clients
from milepost.contract import Names
from milepost.engine.ports import Clock
from milepost.testing.moto.locks import LOCK
from milepost.testing.moto.sqs_time import visible_at

Record: TypeAlias = dict[str, Any]
"""One message of the event by which Lambda gives messages of SQS to a function."""


class Queues:
    """The queues of a stage. A message stays until it is deleted, and is given up after its last delivery, as SQS does it."""

    def __init__(self, clients: Clients, names: Names, clock: Clock) -> None:
        self._clients = clients
        self._names = names
        self._clock = clock

    def next_at(self) -> int | None:
        """When the first of the messages can be received, or could have been, in epoch milliseconds."""
        with LOCK:
            return min((visible_at(message) for arn in self._names.queues.values() for message in _held(arn)), default=None)

    def receive(self, limit: int = 1) -> list[Record]:
        """At most so many messages, 1 to 10, of the queue of which one has been visible for longest; none when there is none."""
        while (arn := self._earliest()) is not None:
            answer = self._clients.sqs.receive_message(
                QueueUrl=self._clients.queue_url(arn),
                MaxNumberOfMessages=limit,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
                WaitTimeSeconds=0,
            )
            if found := answer.get("Messages"):
                return [record_of(message, arn, self._clients.region) for message in found]
        return []

    def delete(self, records: Sequence[Mapping[str, Any]]) -> None:
        """They are done."""
        for record in records:
            self._clients.sqs.delete_message(
                QueueUrl=self._clients.queue_url(record["eventSourceARN"]), ReceiptHandle=record["receiptHandle"]
            )

    def group_of(self, record: Mapping[str, Any]) -> str:
        """The worker group whose queue it came from."""
        return next(group for group, arn in self._names.queues.items() if arn == record["eventSourceARN"])

    def dead_letters(self) -> list[Message]:
        """The messages that were given up."""
        with LOCK:
            return [message for arn in self._names.dead_letters.values() for message in _held(arn)]

    def _earliest(self) -> str | None:
        """The queue to receive from."""
        now = self._clock.now_ms()
        with LOCK:
            heads = [(at, number) for number, arn in enumerate(self._names.queues.values()) for at in _visible(_held(arn), now)]
        return None if not heads else list(self._names.queues.values())[min(heads)[1]]


def _visible(messages: Iterable[Message], now_ms: int) -> list[int]:
    return [at for at in map(visible_at, messages) if at <= now_ms]


def _held(arn: str) -> list[Message]:
    _, _, _, region, account, name = arn.split(":", 5)
    queue = sqs_backends[account][region].queues.get(name)
    return [] if queue is None else queue._messages  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - moto has no other door


def record_of(message: Mapping[str, Any], arn: str, region: str) -> Record:
    """A received message, as Lambda shows it to a function (developer guide, "Using Lambda with Amazon SQS", read 2026-11-22)."""
    attributes: Mapping[str, Any] = message.get("MessageAttributes") or {}
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes") or {}),
        "messageAttributes": {name: _attribute(value) for name, value in attributes.items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": region,
    }


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "StringValue" in value:
        shown["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        shown["binaryValue"] = value["BinaryValue"]
    return shown
