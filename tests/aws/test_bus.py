"""EventBridgeBus: batches, sizes, and entries that EventBridge leaves out."""

import json
from collections.abc import Iterator

import pytest

from milepost.aws.bus import EventBridgeBus
from milepost.aws.failures import AwsError
from milepost.engine.ports import Entry
from milepost.errors import EventError
from tests.aws.deployed import Deployed, answered, deployed, refused


@pytest.fixture
def stage() -> Iterator[Deployed]:
    with deployed() as opened:
        yield opened


@pytest.fixture
def bus(stage: Deployed) -> EventBridgeBus:
    return EventBridgeBus(stage.clients, stage.names)


def entry(id: str = "e-1", *, name: str = "shop/order.placed", detail: str = "{}", source: str = "milepost.shop") -> Entry:
    return Entry(name=name, source=source, detail=detail, id=id)


def text(size: int, character: str = "x") -> str:
    """A detail with this many bytes."""
    return '{"t":"' + character * ((size - 8) // len(character.encode())) + '"}'


def sizes(stage: Deployed) -> list[int]:
    return [len(request["Entries"]) for request in stage.requests("PutEvents")]


def test_ten_events_are_one_request(stage: Deployed, bus: EventBridgeBus) -> None:
    bus.publish([entry(f"e-{number}") for number in range(21)])
    assert sizes(stage) == [10, 10, 1]


def test_an_entry_is_what_eventbridge_takes(stage: Deployed, bus: EventBridgeBus) -> None:
    bus.publish([entry(detail='{"total":9.50}')])
    [request] = stage.requests("PutEvents")
    put = {"EventBusName": stage.names.bus, "Source": "milepost.shop", "DetailType": "shop/order.placed", "Detail": '{"total":9.50}'}
    assert request == {"Entries": [put]}


@pytest.mark.parametrize("character", ["x", "é"])
def test_a_request_is_at_most_a_mebibyte(stage: Deployed, bus: EventBridgeBus, character: str) -> None:
    bus.publish([entry(f"e-{number}", detail=text(400_000, character)) for number in range(5)])
    assert sizes(stage) == [2, 2, 1]


def test_an_event_of_a_million_bytes_and_its_envelope_is_taken(stage: Deployed, bus: EventBridgeBus) -> None:
    bus.publish([entry("one", detail=text(1_000_200)), entry("two", detail=text(1_000_200))])
    assert sizes(stage) == [1, 1]


def test_an_event_that_is_too_large_is_refused_with_its_size_before_anything_is_sent(stage: Deployed, bus: EventBridgeBus) -> None:
    with pytest.raises(ValueError, match=r"event large \(shop/order\.placed\) is 1,048,576 bytes with its name, source and envelope"):
        bus.publish([entry("fine"), entry("large", detail=text(1024 * 1024 - len("shop/order.placedmilepost.shop")))])
    assert stage.asked == []


@pytest.mark.parametrize("name", ["", "n" * 129])
def test_a_name_that_is_no_detail_type_is_refused(stage: Deployed, bus: EventBridgeBus, name: str) -> None:
    with pytest.raises(ValueError, match="1 to 128 are allowed"):
        bus.publish([entry(name=name)])
    assert stage.asked == []


def test_events_of_aws_are_refused(stage: Deployed, bus: EventBridgeBus) -> None:
    with pytest.raises(EventError, match=r"only AWS can send events with source 'aws\.s3'"):
        bus.publish([entry(), entry(source="aws.s3")])
    assert stage.asked == []


def outcome(*codes: str | None) -> str:
    results = [{"EventId": "x"} if code is None else {"ErrorCode": code, "ErrorMessage": "for the test"} for code in codes]
    return json.dumps({"FailedEntryCount": sum(code is not None for code in codes), "Entries": results})


def test_only_what_failed_is_sent_again_as_it_was(stage: Deployed, bus: EventBridgeBus) -> None:
    stage.answers(
        stage.clients.events,
        "PutEvents",
        answered(outcome("ThrottlingException", None, "InternalFailure")),
        answered(outcome(None, "InternalException")),
    )
    bus.publish([entry("a", detail='{"n":1}'), entry("b", detail='{"n":2}'), entry("c", detail='{"n":3}')])
    sent = [[each["Detail"] for each in request["Entries"]] for request in stage.requests("PutEvents")]
    assert sent == [['{"n":1}', '{"n":2}', '{"n":3}'], ['{"n":1}', '{"n":3}'], ['{"n":3}']]
    assert len(stage.pauses) == 2


def test_an_entry_that_can_never_be_taken_is_told_at_once(stage: Deployed, bus: EventBridgeBus) -> None:
    stage.answers(stage.clients.events, "PutEvents", answered(outcome(None, "NotAuthorizedForSourceException")))
    with pytest.raises(AwsError, match=r"events:PutEvents on bus 'shop-sandbox-bus' .*NotAuthorizedForSourceException: for the test"):
        bus.publish([entry("a"), entry("b")])
    assert sizes(stage) == [2]


def test_patience_ends(stage: Deployed, bus: EventBridgeBus) -> None:
    stage.answers(stage.clients.events, "PutEvents", *[answered(outcome("ThrottlingException"))] * 100)
    with pytest.raises(AwsError, match="is throttled") as caught:
        bus.publish([entry()])
    assert (caught.value.is_throttle, len(sizes(stage))) == (True, 8)


def test_a_permission_that_is_missing_is_named(stage: Deployed, bus: EventBridgeBus) -> None:
    said = "User: arn:aws:iam::1:user/ada is not authorized to perform: events:PutEvents on resource: arn:aws:events:e:1:b"
    stage.answers(stage.clients.events, "PutEvents", refused("AccessDeniedException", said))
    with pytest.raises(AwsError, match=r"events:PutEvents on bus 'shop-.*is not allowed for arn:aws:iam::1:user/ada: grant it"):
        bus.publish([entry()])


def test_a_bus_that_is_not_there_is_named(stage: Deployed, bus: EventBridgeBus) -> None:
    stage.answers(stage.clients.events, "PutEvents", refused("ResourceNotFoundException", "Event bus b does not exist."))
    with pytest.raises(AwsError, match="there is no bus 'shop-sandbox-bus' in eu-west-1"):
        bus.publish([entry()])
