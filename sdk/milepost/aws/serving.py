"""From SQS to the engine and back: which of a batch's messages are done, and when those that are not come again.

    record ──▶ Received ──▶ deliver ──┬─▶ Ack         done: SQS deletes it
                                      ├─▶ Later(at)   stays, and is visible again at that time
                                      └─▶ an error    stays, and is visible again when its visibility ends; in the end a dead letter

Each message of a batch is on its own: one that cannot be read, or whose run fails beneath it, takes no other with it. Knows
nothing of Lambda: who calls it says when the invocation ends.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from typing import Any, Final, TypeAlias

from milepost.aws.clients import Clients
from milepost.contract import Names
from milepost.engine.deliver import Ack, Later, deliver
from milepost.engine.messages import MessageError, Received, about
from milepost.engine.worker import Worker
from milepost.errors import ConfigurationError

MESSAGE_THREADS: Final = 10
"""Messages of one batch that are handled at once: the largest batch of SQS without a batching window."""
LONGEST_VISIBILITY_S: Final = 42_300
"""12 hours since the message was received (API reference of ChangeMessageVisibility, read 2026-11-23), which is up to 15 minutes ago."""

Record: TypeAlias = Mapping[str, Any]
"""A message in the form in which Lambda hands it over."""
Postpone: TypeAlias = Callable[[str, int], None]
"""Makes a message, by its receipt handle, visible after so many seconds."""
Failed: TypeAlias = Callable[[Received, Exception], None]


class Server:
    """Serves the queue of one worker group. For all threads of a process.

    ``failed`` is told of each message that raised, after it was logged.
    """

    def __init__(self, worker: Worker, group: str, postpone: Postpone, *, failed: Failed | None = None) -> None:
        self.worker: Final = worker
        self.group: Final = group
        self._postpone = postpone
        self._failed = failed
        self._threads: ThreadPoolExecutor | None = None

    def serve_all(self, event: Mapping[str, Any], deadline_ms: int) -> list[str]:
        """Handle the messages of a batch, at once; the ids of those that stay. ``deadline_ms``: when the invocation ends.
        Raises ConfigurationError for what is no batch of SQS.
        """
        records: Sequence[Record] = event.get("Records") or ()
        if not records:
            raise _not_of_sqs()
        if len(records) == 1:
            served = [copy_context().run(self.serve, records[0], deadline_ms)]
        else:
            calls = [self._pool().submit(copy_context().run, self.serve, record, deadline_ms) for record in records]
            served = [call.result() for call in calls]
        return [record["messageId"] for record, is_done in zip(records, served, strict=True) if not is_done]

    def _pool(self) -> ThreadPoolExecutor:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(MESSAGE_THREADS, thread_name_prefix="milepost message")
        return self._threads

    def serve(self, record: Record, deadline_ms: int) -> bool:
        """Handle one message, on this thread. True: it is done; False: it stays on the queue."""
        received = self._received(record)
        naming = self.worker.naming
        with nullcontext() if naming is None else naming({"message_id": received.id, **about(received.body)}):
            try:
                verdict = deliver(received, self.worker, deadline_ms)
            except Exception as error:  # noqa: BLE001 - whatever went wrong, this message stays, and no other is harmed
                self._keep(received, error)
                return False
            match verdict:
                case Ack():
                    return True
                case Later(at_ms):
                    self._retry(received, record["receiptHandle"], at_ms)
                    return False

    def _received(self, record: Record) -> Received:
        try:
            attributes = record["attributes"]
            return Received(
                id=record["messageId"],
                group=self.group,
                body=record["body"],
                deliveries=int(attributes["ApproximateReceiveCount"]),
                sent_at_ms=int(attributes["SentTimestamp"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _not_of_sqs() from error

    def _keep(self, received: Received, error: Exception) -> None:
        log, ids = self.worker.log, {"message_id": received.id, "deliveries": received.deliveries, "error": str(error)}
        if isinstance(error, MessageError):
            log.exception("a message that nobody can read", **ids)  # noqa: LOG004 - the caller is in a handler
        else:
            log.exception("a message could not be handled, it comes again", **ids, **about(received.body))  # noqa: LOG004 - as above
        if self._failed is not None:
            self._failed(received, error)

    def _retry(self, received: Received, handle: str, at_ms: int) -> None:
        """At that time or a little later: SQS counts in seconds."""
        seconds = -(-(at_ms - self.worker.now()) // 1000)
        try:
            self._postpone(handle, min(max(seconds, 0), LONGEST_VISIBILITY_S))
        except Exception as error:  # noqa: BLE001 - it comes again all the same, when its visibility ends
            self.worker.log.warning("a message comes again at another time than it was to", message_id=received.id, error=str(error))


def _not_of_sqs() -> ConfigurationError:
    """The error of a worker that is handed something else than a batch of its queue."""
    return ConfigurationError(
        "a worker serves its group's SQS queue, and was handed something else: give it an event source mapping of that queue, and invoke "
        "it in no other way"
    )


def postponing(clients: Clients, names: Names, group: str) -> Postpone:
    """ChangeMessageVisibility on the group's queue. What it returns raises AwsError."""
    from milepost.aws.failures import Asked

    arn = names.queues[group]
    asked = Asked(action="sqs:ChangeMessageVisibility", resource=f"queue {arn.rpartition(':')[2]!r}", region=clients.region)

    def postpone(handle: str, seconds: int) -> None:
        request = {"QueueUrl": clients.queue_url(arn), "ReceiptHandle": handle, "VisibilityTimeout": seconds}
        clients.attempts.call(asked, lambda: clients.sqs.change_message_visibility(**request))

    return postpone
