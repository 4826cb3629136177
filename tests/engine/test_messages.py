"""Messages come back from their text; what is none is refused with a reason; events are read whoever sent them."""

import json

import msgspec
import pytest

from milepost.engine.messages import (
    BusEvent,
    Cancel,
    Delayed,
    Envelope,
    EventMessage,
    Message,
    MessageError,
    Parcel,
    Poke,
    Publish,
    Start,
    TimerDue,
    decode,
    detail_of,
    encode,
    read_event,
)
from milepost.engine.records import Parent

EVENT = BusEvent(id="e", detail_type="shop/x", detail=msgspec.Raw(b'{"total": 9.50}'), source="s", time="t")
ALL: list[Message] = [
    Poke(run="r"),
    Poke(run="r", completed_at=7),
    TimerDue(run="r", due_at=1),
    Start(run="r", function="f", data="{}", parent=Parent(run="p", path="c", group="g", started_at=1), hops=3, role="undo", subject="s"),
    Cancel(run="r", function="f", reason="why"),
    Publish(name="n", source="s", detail="{}", id="i"),
    Delayed(due_at=1, body='{"kind":"poke","run":"r"}'),
    Parcel(ref="sha256:0", run="r", function="f"),
    Parcel(ref="sha256:0"),
]


@pytest.mark.parametrize("message", ALL, ids=lambda message: type(message).__name__)
def test_a_message_comes_back(message: Message) -> None:
    assert decode(encode(message)) == message


def test_an_event_message_keeps_its_detail_to_the_digit() -> None:
    text = encode(EventMessage(target="f", at=5, event=EVENT, after={"k": "sk"}))
    assert json.loads(text)["for"] == "f"
    assert "9.50" in text
    message = decode(text)
    assert isinstance(message, EventMessage)
    assert bytes(message.event.detail) == b'{"total": 9.50}'
    assert message.after == {"k": "sk"}


@pytest.mark.parametrize(
    "body", ["", "nonsense", "[]", "{}", '{"kind":"dance"}', '{"kind":"poke"}', '{"kind":"timer","run":"r","due_at":"x"}']
)
def test_what_is_no_message_is_refused(body: str) -> None:
    with pytest.raises(MessageError, match="not a message of milepost"):
        decode(body)


def test_a_newer_message_is_refused() -> None:
    with pytest.raises(MessageError, match=r"version 99.*upgrade milepost"):
        decode('{"kind":"poke","run":"r","v":99}')


def test_our_envelope_says_id_time_and_hops() -> None:
    detail = detail_of('{"total": 9.50}', Envelope(id="mine", sent_at=3, hops=2))
    message = EventMessage(target="f", at=5, event=msgspec.structs.replace(EVENT, detail=msgspec.Raw(detail.encode())))
    event = read_event(message)
    assert (event.id, event.sent_at, event.hops, event.at) == ("mine", 3, 2, 5)
    assert event.data == '{"total":9.50}'


def test_an_event_of_others_has_the_buss_id_and_time() -> None:
    event = read_event(EventMessage(target="f", at="2026-01-01T00:00:00Z", event=EVENT))
    assert (event.id, event.sent_at, event.hops) == ("e", event.at, 0)
    assert event.at == 1_767_225_600_000


@pytest.mark.parametrize("detail", [b"[1]", b"7", b'{"_milepost": 7}', b'{"_milepost": {"sent_at": 1}}', b'{"_milepost": {"id": ""}}'])
def test_a_detail_that_cannot_be_is_refused(detail: bytes) -> None:
    message = EventMessage(target="f", at=5, event=msgspec.structs.replace(EVENT, detail=msgspec.Raw(detail)))
    with pytest.raises(MessageError, match="detail of event e"):
        read_event(message)


@pytest.mark.parametrize("character", ["\ufffe", "\uffff"])
def test_what_no_queue_takes_is_escaped(character: str) -> None:
    """SQS refuses these two for good, and a user's text may hold them."""
    message = Start(run="r", function="f", data=json.dumps({"text": f"a{character}✓"}, ensure_ascii=False))
    assert character not in encode(message)
    assert decode(encode(message)) == message
    detail = detail_of(json.dumps({"text": f"a{character}✓"}, ensure_ascii=False), Envelope(id="mine"))
    assert character not in detail
    assert json.loads(detail)["text"] == f"a{character}✓"
