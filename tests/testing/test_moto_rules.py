"""Rules on moto, delivered as EventBridge does: by its own rules of matching, through the InputTransformer."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.testing.moto_bed import ACCOUNT, BOTO, REGION, MotoBed, arn

TEMPLATE = '{"rule":"<aws.events.rule-name>","at":"<aws.events.event.ingestion-time>","event":<aws.events.event.json>}'


def rule(bed: MotoBed, pattern: dict[str, Any], name: str = "r", queue: str = "q", bus: str = "shop", **target: Any) -> None:
    events = bed.clients.events
    if bus not in (known["Name"] for known in events.list_event_buses()["EventBuses"]):
        events.create_event_bus(Name=bus)
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "1", "Arn": arn(queue), **target}])


def put(bed: MotoBed, detail: str, *, bus: str = "shop", source: str = "shop", name: str = "shop/order.placed", **more: Any) -> Any:
    entry = {"EventBusName": bus, "Source": source, "DetailType": name, "Detail": detail, **more}
    return bed.clients.events.put_events(Entries=[entry])


def test_an_event_reaches_the_queue_of_a_rule_that_takes_it(bed: MotoBed) -> None:
    url = bed.make_queue()
    rule(bed, {"source": ["shop"]}, InputTransformer={"InputTemplate": TEMPLATE})
    bed.clock.now += 1_234
    id = put(bed, '{"total":9.50}', Resources=["arn:x"])["Entries"][0]["EventId"]
    [body] = bed.bodies(url)
    assert '"detail":{"total":9.50}' in body
    event = json.loads(body)
    assert (event["rule"], event["at"]) == ("r", "2027-01-15T08:00:01.234Z")
    assert event["event"] == {
        "version": "0",
        "id": id,
        "detail-type": "shop/order.placed",
        "source": "shop",
        "account": ACCOUNT,
        "time": "2027-01-15T08:00:01Z",
        "region": REGION,
        "resources": ["arn:x"],
        "detail": {"total": 9.5},
    }


def test_without_a_transformer_the_event_itself_is_sent(bed: MotoBed) -> None:
    url = bed.make_queue()
    rule(bed, {"source": ["shop"]})
    put(bed, '{"n":1}')
    assert json.loads(bed.bodies(url)[0])["detail"] == {"n": 1}


def test_input_and_input_path_replace_it(bed: MotoBed) -> None:
    one, two = bed.make_queue("one"), bed.make_queue("two")
    rule(bed, {"source": ["shop"]}, "one", "one", Input='{"always":"this"}')
    rule(bed, {"source": ["shop"]}, "two", "two", InputPath="$.detail.order")
    put(bed, '{"order":{"id":1.0}}')
    assert (bed.bodies(one), bed.bodies(two)) == (['{"always":"this"}'], ['{"id":1.0}'])


@pytest.mark.parametrize(
    ("asked", "detail", "is_taken"),
    [
        ({"total": [{"numeric": [">", 100]}]}, '{"total": 100.01}', True),
        ({"total": [{"numeric": [">", 100]}]}, '{"total": 100}', False),
        ({"id": [{"prefix": "o-"}]}, '{"id": "o-1"}', True),
        ({"id": [{"suffix": "-1"}]}, '{"id": "o-2"}', False),
        ({"state": [{"anything-but": ["done"]}]}, '{"state": "open"}', True),
        ({"state": [{"exists": False}]}, '{"other": 1}', True),
        ({"state": [{"exists": True}]}, '{"other": 1}', False),
        ({"$or": [{"a": [1]}, {"b": [2]}]}, '{"a": 9, "b": 2}', True),
        ({"id": [{"wildcard": "o-*-x"}]}, '{"id": "o-1-x"}', True),
        ({"id": [{"equals-ignore-case": "ABC"}]}, '{"id": "abc"}', True),
        ({"ip": [{"cidr": "10.0.0.0/24"}]}, '{"ip": "10.0.1.1"}', False),
        ({"tags": ["b"]}, '{"tags": ["a", "b"]}', True),
        ({"items": {"a": [1], "b": [2]}}, '{"items": [{"a": 1, "b": 1}, {"a": 2, "b": 2}]}', False),
        ({"items": {"a": [1], "b": [2]}}, '{"items": [{"a": 1, "b": 1}, {"a": 1, "b": 2}]}', True),
    ],
)
def test_content_is_matched_as_eventbridge_matches_it(bed: MotoBed, asked: dict[str, Any], detail: str, is_taken: bool) -> None:
    url = bed.make_queue()
    rule(bed, {"detail": asked})
    put(bed, detail)
    assert len(bed.bodies(url)) == is_taken


def test_each_bus_has_its_own_rules_and_a_disabled_rule_takes_nothing(bed: MotoBed) -> None:
    url = bed.make_queue()
    rule(bed, {"source": ["shop"]}, bus="other")
    rule(bed, {"source": ["shop"]}, bus="shop")
    bed.clients.events.disable_rule(Name="r", EventBusName="shop")
    put(bed, "{}")
    assert bed.bodies(url) == []


def test_events_of_aws_services_come_on_the_default_bus_alone(bed: MotoBed) -> None:
    url, other = bed.make_queue(), bed.make_queue("other")
    rule(bed, {"source": ["aws.s3"]}, bus="default")
    rule(bed, {"source": ["aws.s3"]}, queue="other", bus="shop")
    s3 = BOTO.client("s3")
    s3.create_bucket(Bucket="uploads")
    s3.put_bucket_notification_configuration(Bucket="uploads", NotificationConfiguration={"EventBridgeConfiguration": {}})
    for name in ("report.csv", "again.csv"):
        s3.put_object(Bucket="uploads", Key=name, Body=b"1,2")
    created = [event for event in map(json.loads, bed.bodies(url)) if event["detail-type"] == "Object Created"]
    assert [event["detail"]["object"]["key"] for event in created] == ["report.csv", "again.csv"]
    assert created[0]["time"] == "2027-01-15T08:00:00Z"
    assert created[0]["id"] != created[1]["id"]
    assert bed.bodies(other) == []


@pytest.mark.parametrize("detail", ["{", "[]", "7"])
def test_a_detail_that_is_no_json_object_is_refused_alone(bed: MotoBed, detail: str) -> None:
    url = bed.make_queue()
    rule(bed, {"source": ["shop"]})
    entries = [{"EventBusName": "shop", "Source": "shop", "DetailType": "x", "Detail": each} for each in (detail, '{"fine":1}')]
    answer = bed.clients.events.put_events(Entries=entries)
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == "MalformedDetail"
    assert len(bed.bodies(url)) == 1


@pytest.mark.parametrize(("number", "size"), [(11, 10), (3, 400_000)], ids=["too many", "too large"])
def test_a_request_beyond_eventbridges_limits_is_refused(bed: MotoBed, number: int, size: int) -> None:
    url = bed.make_queue()
    rule(bed, {"source": ["shop"]})
    entry = {"EventBusName": "shop", "Source": "shop", "DetailType": "x", "Detail": json.dumps({"text": "x" * size})}
    with pytest.raises(ClientError, match="ValidationException"):
        bed.clients.events.put_events(Entries=[entry] * number)
    assert bed.bodies(url) == []


def test_a_rule_whose_queue_is_not_there_delivers_nothing(bed: MotoBed) -> None:
    rule(bed, {"source": ["shop"]}, queue="gone")
    assert put(bed, "{}")["FailedEntryCount"] == 0
