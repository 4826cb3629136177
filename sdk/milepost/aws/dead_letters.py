"""Dead letters of a deployed app: messages that SQS gave up after the last delivery, looked at and sent again.

SQS cannot look without receiving: what is received here is put back at once, or sent to its queue and only then deleted. A crash in
between leaves a message invisible for a minute, or delivers it twice; none is lost.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from milepost.aws.clients import Clients
from milepost.aws.failures import Asked, AwsError
from milepost.aws.queue import SqsQueue
from milepost.contract import Names
from milepost.engine.ports import Outgoing

HELD_S: Final = 60
"""How long what was received stays invisible when nobody puts it back."""
WAIT_S: Final = 1
"""SQS then asks all of its servers, and an empty answer means an empty queue."""
_AT_ONCE: Final = 10
_VISIBLE_AGAIN: Final = frozenset({"MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"})
"""It was held for longer than a minute: it is where it belongs."""


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was given up."""

    id: str
    group: str
    body: str
    deliveries: int
    """SQS counts those to whoever looked, too."""
    sent_at_ms: int
    handle: str
    """For SQS, until it is received again."""
    fair_key: str | None


class DeadLetters:
    """The dead-letter queues of all worker groups."""

    def __init__(self, clients: Clients, names: Names) -> None:
        self._clients = clients
        self._names = names
        self._queue = SqsQueue(clients, names)

    def look(self, limit: int) -> list[DeadLetter]:
        """Some dead letters, ``limit`` at most, oldest first; they stay where they are. Raises AwsError."""
        found: list[DeadLetter] = []
        try:
            for letters in self._received():
                found += letters
                if len(found) >= limit:
                    break
        finally:
            self._put_back(found)
        return sorted(found, key=lambda letter: (letter.sent_at_ms, letter.id))[:limit]

    def resume(self, wanted: Collection[str] | None = None) -> list[str]:
        """Send those with these ids again, or all (None); returns the ids of those that were there. Raises AwsError."""
        kept: list[DeadLetter] = []
        resumed: list[str] = []
        try:
            for letters in self._received():
                chosen = [letter for letter in letters if wanted is None or letter.id in wanted]
                kept += [letter for letter in letters if letter not in chosen]
                self._send_again(chosen)
                resumed += [letter.id for letter in chosen]
                if wanted is not None and len(resumed) >= len(wanted):
                    break
        finally:
            self._put_back(kept)
        return resumed

    def _received(self) -> Iterator[list[DeadLetter]]:
        """What the queues hold, ten at a time, each group's after the other's."""
        seen: set[str] = set()
        for group, arn in sorted(self._names.dead_letters.items()):
            while letters := [letter for letter in self._receive(group, arn) if letter.id not in seen]:
                seen.update(letter.id for letter in letters)
                yield letters

    def _receive(self, group: str, arn: str) -> list[DeadLetter]:
        clients = self._clients
        receive = partial(
            clients.sqs.receive_message,
            QueueUrl=clients.queue_url(arn),
            MaxNumberOfMessages=_AT_ONCE,
            VisibilityTimeout=HELD_S,
            WaitTimeSeconds=WAIT_S,
            MessageSystemAttributeNames=["All"],
        )
        answer: Mapping[str, Any] = clients.attempts.call(self._asked("sqs:ReceiveMessage", arn), receive)
        return [_letter(group, message) for message in answer.get("Messages", ())]

    def _send_again(self, letters: Sequence[DeadLetter]) -> None:
        self._queue.send([Outgoing(group=letter.group, body=letter.body, fair_key=letter.fair_key) for letter in letters])
        for letter in letters:
            arn = self._names.dead_letters[letter.group]
            delete = partial(self._clients.sqs.delete_message, QueueUrl=self._clients.queue_url(arn), ReceiptHandle=letter.handle)
            self._clients.attempts.call(self._asked("sqs:DeleteMessage", arn), delete)

    def _put_back(self, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            arn = self._names.dead_letters[letter.group]
            url = self._clients.queue_url(arn)
            show = partial(self._clients.sqs.change_message_visibility, QueueUrl=url, ReceiptHandle=letter.handle, VisibilityTimeout=0)
            try:
                self._clients.attempts.call(self._asked("sqs:ChangeMessageVisibility", arn), show)
            except AwsError as error:
                if error.code not in _VISIBLE_AGAIN:
                    raise

    def _asked(self, action: str, arn: str) -> Asked:
        return Asked(action=action, resource=f"queue '{arn.rpartition(':')[2]}'", region=self._clients.region)


def _letter(group: str, message: Mapping[str, Any]) -> DeadLetter:
    attributes: Mapping[str, str] = message.get("Attributes", {})
    return DeadLetter(
        id=message["MessageId"],
        group=group,
        body=message["Body"],
        deliveries=int(attributes.get("ApproximateReceiveCount", "0")),
        sent_at_ms=int(attributes.get("SentTimestamp", "0")),
        handle=message["ReceiptHandle"],
        fair_key=attributes.get("MessageGroupId"),
    )
