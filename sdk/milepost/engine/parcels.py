"""Messages within messages: what comes too early is sent on, and what is too large for a queue or a timer travels as a reference
and lies in the blobs.

A start carries its data, and a handler's start those and the failure as well; an event that is sent for later its detail. SQS takes 1 MiB
and EventBridge Scheduler 256 KB, in which each quotation mark of the message counts twice.
"""

import zlib
from typing import Final

from milepost.engine import keys
from milepost.engine.messages import Delayed, MessageError, Parcel, Start, decode, encode
from milepost.engine.ports import Blobs, Outgoing, Ports

PARCEL_BYTES: Final = 120 * 1024
"""A larger message becomes a parcel: twice this and its envelope are less than 256 KB."""


def fitting(body: str, blobs: Blobs) -> str:
    """A message's text, or a parcel's that every queue and timer takes. A blob is written before what points to it."""
    if len(body) <= PARCEL_BYTES // 4:
        return body
    raw = body.encode()
    if len(raw) <= PARCEL_BYTES:
        return body
    ref = blobs.put(zlib.compress(raw, 6))
    message = decode(body)
    return encode(Parcel(ref=ref, run=message.run, function=message.function) if isinstance(message, Start) else Parcel(ref=ref))


def opened(parcel: Parcel, blobs: Blobs) -> str:
    """The text of the message in a parcel. Raises MessageError when the blob is gone."""
    try:
        return zlib.decompress(blobs.get(parcel.ref)).decode()
    except KeyError as error:
        raise MessageError(f"the message lay in a blob that is gone or damaged: {error.args[0]}") from error


def is_sent_on(group: str, message: Delayed, ports: Ports) -> bool:
    """What comes before its time is sent on with the rest of the delay, and is done with; False when its time has come."""
    if ports.clock.now_ms() >= message.due_at:
        return False
    ports.timers.arm(keys.digest("delayed", message.body, str(message.due_at)), message.due_at, Outgoing(group=group, body=message.body))
    return True
