"""What travels on queues. Messages carry no authority: each says where to look, the table says what is so.

Duplicates and reordering are harmless. Events come in the shape that EventBridge's InputTransformer gives them on AWS;
the local bus makes the same.
"""

from datetime import UTC, datetime
from typing import Any, TypeAlias

import msgspec

from milepost.engine import keys
from milepost.engine.ports import Entry
from milepost.engine.records import Parent, Role

VERSION = 1
SIGNAL = "~signal:"
"""Before a worker group's name in `for`: an event that functions of the group wait for, or are cancelled by."""

ENVELOPE = "_milepost"
"""The field of an event's detail that carries what EventBridge's own fields cannot."""


MAX_ID = 256
"""Characters of an event's id."""


class Received(msgspec.Struct, frozen=True):
    """A message as a worker is handed it."""

    id: str
    """Stable across redeliveries: the owner of the lease taken for it."""
    group: str
    body: str
    deliveries: int
    """1 at the first delivery."""
    sent_at_ms: int


class Envelope(msgspec.Struct, frozen=True, omit_defaults=True):
    """Ours, in the detail: id chosen by the sender, when it was sent, how many events led to it."""

    id: str
    sent_at: int = 0
    hops: int = 0


class BusEvent(msgspec.Struct, frozen=True, rename={"detail_type": "detail-type"}):
    """An event as EventBridge delivers it."""

    id: str
    detail_type: str
    detail: msgspec.Raw
    source: str = ""
    time: str = ""


class EventMessage(msgspec.Struct, frozen=True, tag_field="kind", tag="event", rename={"target": "for"}):
    """An event came, for a function or for the waits of a worker group."""

    target: str
    at: int | str
    """When the bus accepted it: epoch milliseconds, or ISO 8601."""
    event: BusEvent
    v: int = VERSION
    after: dict[str, str] = {}
    """Where to go on in a long list of waits: the last sk served, by key."""

    @property
    def at_ms(self) -> int:
        if isinstance(self.at, int):
            return self.at
        moment = datetime.fromisoformat(self.at)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


class Poke(msgspec.Struct, frozen=True, tag_field="kind", tag="poke", omit_defaults=True):
    """Look at this run."""

    run: str
    completed_at: int | None = None
    """The completion it tells of had happened by then (sender's clock)."""
    v: int = VERSION


class TimerDue(msgspec.Struct, frozen=True, tag_field="kind", tag="timer"):
    """Look at this run, not before due_at."""

    run: str
    due_at: int
    v: int = VERSION


class Start(msgspec.Struct, frozen=True, tag_field="kind", tag="start", omit_defaults=True):
    """Start this run: a child, a handler, an undo run, a cron tick."""

    run: str
    function: str
    data: str
    """JSON of the event's data."""
    event_name: str = ""
    event_id: str = ""
    event_at: int = 0
    event_source: str = ""
    hops: int = 0
    role: Role = "function"
    parent: Parent | None = None
    subject: str | None = None
    failure: str | None = None
    """JSON of the Failure that a handler is told of."""
    v: int = VERSION


class Cancel(msgspec.Struct, frozen=True, tag_field="kind", tag="cancel"):
    """Cancel this run, born or not."""

    run: str
    function: str
    reason: str
    v: int = VERSION


class Publish(msgspec.Struct, frozen=True, tag_field="kind", tag="publish"):
    """Put this event on the bus: sent for later, or by a client that knows no routes."""

    name: str
    source: str
    detail: str
    id: str
    v: int = VERSION


class Delayed(msgspec.Struct, frozen=True, tag_field="kind", tag="delayed"):
    """Another message, not before due_at: what a timer sends that cannot be trusted with the second."""

    due_at: int
    body: str
    v: int = VERSION


class Parcel(msgspec.Struct, frozen=True, tag_field="kind", tag="parcel", omit_defaults=True):
    """Another message, too large for some queue or timer: it lies in the blobs (parcels.py)."""

    ref: str
    run: str = ""
    function: str = ""
    """Of a Start: who receives it may want to know them before he opens it."""
    v: int = VERSION


Message: TypeAlias = EventMessage | Poke | TimerDue | Start | Cancel | Publish | Delayed | Parcel


class MessageError(Exception):
    """A message that is no JSON, of no known kind, or of a newer version."""


_decoder = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()
_details = msgspec.json.Decoder(dict[str, msgspec.Raw])


def encode(message: Message) -> str:
    """The message as text that every queue takes."""
    return _sendable(_encoder.encode(message).decode())


def _sendable(text: str) -> str:
    """JSON without the two characters that SQS refuses in a message (API reference of SendMessage, read 2026-11-23): they are escaped."""
    return text if text.isascii() else text.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def decode(body: str) -> Message:
    """The message again. Raises MessageError."""
    try:
        message: Message = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError) as error:
        raise MessageError(f"not a message of milepost: {error}") from error
    if message.v > VERSION:
        raise MessageError(f"a message of version {message.v}, this milepost reads {VERSION}: upgrade milepost")
    return message


def about(body: str) -> dict[str, str]:
    """What a message says of itself, for the log; nothing when it cannot be read."""
    try:
        message = decode(body)
        event = read_event(message) if isinstance(message, EventMessage) else None
    except MessageError:
        return {}
    match message:
        case EventMessage(target=target) if event is not None and not target.startswith(SIGNAL):
            return {"run_id": keys.run_id(target, event.name, event.id), "function": target, "event_id": event.id}
        case EventMessage(event=BusEvent(detail_type=name, id=id)) | Publish(name=name, id=id):
            return {"event": name, "event_id": id}
        case Start(run=run, function=function) | Cancel(run=run, function=function):
            return {"run_id": run, "function": function}
        case Poke(run=run) | TimerDue(run=run):
            return {"run_id": run}
        case Delayed(body=inner):
            return about(inner)
        case Parcel(run=run, function=function):
            return {"run_id": run, "function": function} if run else {}


class Accepted(msgspec.Struct, frozen=True):
    """An event, read: whoever sent it and however."""

    id: str
    name: str
    source: str
    at: int
    sent_at: int
    hops: int
    data: str
    """JSON of its data, without our envelope."""


def read_event(message: EventMessage) -> Accepted:
    """The event of a message: ours by its envelope, any other by EventBridge's own id. Raises MessageError."""
    event = message.event
    try:
        fields: dict[str, msgspec.Raw] = msgspec.json.decode(event.detail, type=dict[str, msgspec.Raw])
        raw = fields.pop(ENVELOPE, None)
        envelope = Envelope(id=event.id, sent_at=message.at_ms) if raw is None else msgspec.json.decode(raw, type=Envelope)
    except msgspec.DecodeError as error:
        raise MessageError(f"the detail of event {event.id} ({event.detail_type}) is not a JSON object: {error}") from error
    if not 1 <= len(envelope.id) <= MAX_ID:
        raise MessageError(
            f"the detail of event {event.id} ({event.detail_type}) has an id of {len(envelope.id)} characters, not 1 to {MAX_ID}"
        )
    return Accepted(
        id=envelope.id,
        name=event.detail_type,
        source=event.source,
        at=message.at_ms,
        sent_at=envelope.sent_at,
        hops=envelope.hops,
        data=_encoder.encode(fields).decode(),
    )


def detail_of(data: str | bytes, envelope: Envelope) -> str:
    """The detail of an event of ours: its data, and the envelope beside its fields."""
    fields: dict[str, Any] = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    fields[ENVELOPE] = envelope
    return _sendable(_encoder.encode(fields).decode())


def check_detail(entry: Entry) -> None:
    """Raises ValueError for an event whose detail is no JSON object."""
    try:
        _details.decode(entry.detail)
    except msgspec.ValidationError as error:
        raise ValueError(f"the detail of event {entry.id} ({entry.name}) is not a JSON object") from error
    except msgspec.DecodeError as error:
        raise ValueError(f"the detail of event {entry.id} ({entry.name}) is not JSON: {error}") from error
