"""The bus port: every event to every rule that matches."""

import msgspec
import pytest

from milepost.engine import messages
from milepost.engine.ports import Entry
from tests.contract.beds import START_MS, Bed


def entry(name: str = "shop/order.placed", detail: str = "{}", id: str = "e-1") -> Entry:
    return Entry(name=name, source="shop", detail=detail, id=id)


def received(bed: Bed) -> list[messages.EventMessage]:
    decoded = [messages.decode(body) for body in bed.bodies()]
    assert all(isinstance(message, messages.EventMessage) for message in decoded)
    return [message for message in decoded if isinstance(message, messages.EventMessage)]


def test_an_event_reaches_the_rule_that_matches(bed: Bed) -> None:
    bed.route({"detail-type": ["shop/order.placed"]}, target="fulfil")
    bed.route({"detail-type": ["shop/order.cancelled"]}, target="other")
    bed.ports.bus.publish([entry(detail='{"order_id": "o-1"}')])
    [message] = received(bed)
    assert message.target == "fulfil"
    assert (message.event.id, message.event.detail_type, message.event.source) == ("e-1", "shop/order.placed", "shop")
    assert msgspec.json.decode(message.event.detail) == {"order_id": "o-1"}


def test_an_event_reaches_every_rule_that_matches(bed: Bed) -> None:
    for target in ("one", "two", "three"):
        bed.route({"source": ["shop"]}, target=target)
    bed.ports.bus.publish([entry()])
    assert sorted(message.target for message in received(bed)) == ["one", "three", "two"]


def test_an_event_goes_to_the_group_of_the_rule(bed: Bed) -> None:
    bed.route({"source": ["shop"]}, group="heavy")
    bed.ports.bus.publish([entry()])
    assert [message.group for message in bed.take()] == ["heavy"]


def test_an_event_that_no_rule_wants_is_accepted(bed: Bed) -> None:
    bed.route({"source": ["other"]})
    bed.ports.bus.publish([entry()])
    assert bed.take() == []


def test_many_events_at_once(bed: Bed) -> None:
    bed.route({"source": ["shop"]})
    bed.ports.bus.publish([entry(id=f"e-{number}") for number in range(25)])
    assert sorted(message.event.id for message in received(bed)) == sorted(f"e-{number}" for number in range(25))


def test_no_events_are_no_events(bed: Bed) -> None:
    bed.ports.bus.publish([])
    assert bed.take() == []


def test_rules_see_the_content(bed: Bed) -> None:
    bed.route({"detail-type": ["shop/order.placed"], "detail": {"total": [{"numeric": [">", 100]}]}}, target="large")
    bed.ports.bus.publish([entry(detail='{"total": 99.99}', id="small"), entry(detail='{"total": 100.01}', id="large")])
    assert [message.event.id for message in received(bed)] == ["large"]


@pytest.mark.parametrize(
    "detail",
    [
        '{"total":9.50}',
        '{"n":123456789012345678901234567890.10}',
        '{"text":"naïve ✓ \\u00e9 \\ud834\\udd1e"}',
        '{"e": 1E+2, "list": [1.0, -0.0]}',
    ],
)
def test_the_detail_travels_as_it_was_written(bed: Bed, detail: str) -> None:
    bed.route({"source": ["shop"]})
    bed.ports.bus.publish([entry(detail=detail)])
    [message] = received(bed)
    assert bytes(message.event.detail).decode() == detail


def test_the_message_says_when_the_event_was_accepted(bed: Bed) -> None:
    bed.route({"source": ["shop"]})
    bed.clock.now = START_MS + 1_234
    bed.ports.bus.publish([entry()])
    [message] = received(bed)
    assert message.at_ms == START_MS + 1_234
    assert message.event.time == "2027-01-15T08:00:01Z"


def test_an_event_published_twice_keeps_its_id(bed: Bed) -> None:
    bed.route({"source": ["shop"]})
    bed.ports.bus.publish([entry()])
    bed.ports.bus.publish([entry()])
    ids = [message.event.id for message in received(bed)]
    assert set(ids) == {"e-1"}


@pytest.mark.parametrize("detail", ["", "{", "[]", "null", '"text"', "{}{}", '{"n": NaN}'])
def test_a_detail_that_is_no_json_object_is_refused_with_all_beside_it(bed: Bed, detail: str) -> None:
    bed.route({"source": ["shop"]})
    with pytest.raises(ValueError, match=r"the detail of event bad \(shop/order\.placed\) is not"):
        bed.ports.bus.publish([entry(id="fine"), entry(id="bad", detail=detail)])
    assert bed.take() == []


def test_an_event_of_ours_keeps_the_id_of_its_envelope(bed: Bed) -> None:
    bed.route({"detail-type": ["shop/order.placed"], "detail": {"total": [{"numeric": [">", 100]}]}}, target="large")
    for total in ("99.99", "100.01"):
        detail = messages.detail_of(f'{{"total":{total}}}', messages.Envelope(id=f"e-{total}", sent_at=START_MS - 5, hops=2))
        bed.ports.bus.publish([entry(detail=detail, id=f"e-{total}")] * 2)
    first, second = map(messages.read_event, received(bed))
    assert first == second
    assert (first.id, first.data, first.at, first.sent_at, first.hops) == ("e-100.01", '{"total":100.01}', START_MS, START_MS - 5, 2)
