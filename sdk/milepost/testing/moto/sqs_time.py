"""moto's SQS under a clock of ours: delays, visibility, receive counts, dead letters and timestamps follow it.

Time that stands still until a test moves it has two consequences that SQS itself does not know: a message that becomes visible
"now" is visible now, and a long poll that finds nothing will never find anything, so it returns at once.
"""

import copy
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

import moto.core.utils
import moto.s3.models
import moto.sqs.models
from moto.sqs.models import Message, Queue, SQSBackend

from milepost.engine.ports import Clock
from milepost.testing.moto.replacing import replaced
from milepost.timestamps import instant


@contextmanager
def under(clock: Clock) -> Generator[None, None, None]:
    """Within it this clock is moto's."""

    def utcnow() -> datetime:
        return instant(clock.now_ms()).replace(tzinfo=None)  # naive, as moto computes with it

    def unix_time_millis() -> float:
        return float(clock.now_ms())  # not seconds times a thousand: that is a millisecond less now and then

    def is_visible(message: Message) -> bool:
        return message.visible_at <= clock.now_ms()

    with ExitStack() as stack:
        for module in (moto.core.utils, moto.s3.models):
            stack.enter_context(replaced(module, "utcnow", utcnow))
        stack.enter_context(replaced(moto.sqs.models, "unix_time_millis", unix_time_millis))
        stack.enter_context(replaced(Message, "visible", property(is_visible)))
        stack.enter_context(replaced(SQSBackend, "receive_message", _receive_of(clock, SQSBackend.receive_message)))
        yield


def visible_at(message: Message) -> int:
    """When a message can be received, in epoch milliseconds."""
    return int(max(message.visible_at, message.delayed_until, _sent_at(message)))


def _sent_at(message: Any) -> int:
    return message.sent_timestamp or 0  # Any: moto says that it is None, which it is until the message is sent


def _receive_of(clock: Clock, receive: Any) -> Callable[..., list[Message]]:
    """ReceiveMessage, without a wait. Of a standard queue: the messages that have been visible for longest, in linear time."""

    def quick(
        backend: SQSBackend,
        queue_name: str,
        count: int,
        wait_seconds_timeout: int,
        visibility_timeout: int,
        message_attribute_names: list[str] | None = None,
    ) -> list[Message]:
        del wait_seconds_timeout
        queue = backend.get_queue(queue_name)
        names = message_attribute_names or []
        if queue.fifo_queue:
            found: list[Message] = receive(backend, queue_name, count, 0, visibility_timeout, names)
            return found
        return [_handed_out(queue, message, visibility_timeout, names) for message in _next(queue, count, clock.now_ms())]

    return quick


def _next(queue: Queue, count: int, now_ms: int) -> list[Message]:
    held: list[Message] = queue._messages  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - moto has no other door
    kept: list[Message] = []
    ready = sorted((message for message in held if visible_at(message) <= now_ms), key=visible_at)
    for message in ready:
        if len(kept) == count:
            break
        if _is_too_old(queue, message, now_ms):
            held.remove(message)
        elif _is_dead(queue, message):
            held.remove(message)
            queue.pending_messages.discard(message)
            _bury(queue, message)
        else:
            kept.append(message)
    return kept


def _is_too_old(queue: Any, message: Message, now_ms: int) -> bool:
    return _sent_at(message) + int(queue.message_retention_period) * 1000 <= now_ms


def _is_dead(queue: Any, message: Message) -> bool:
    policy = queue.redrive_policy
    return queue.dead_letter_queue is not None and bool(policy) and message.approximate_receive_count >= policy["maxReceiveCount"]


def _bury(queue: Queue, message: Message) -> None:
    if queue.dead_letter_queue is not None:
        queue.dead_letter_queue.add_message(message)


def _handed_out(queue: Queue, message: Message, visibility_timeout: int, names: list[str]) -> Message:
    queue.pending_messages.add(message)
    message.mark_received(visibility_timeout=visibility_timeout)
    shown = copy.copy(message)
    shown.message_attributes = dict(message.message_attributes)
    moto.sqs.models._filter_message_attributes(shown, names)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - as above
    return shown
