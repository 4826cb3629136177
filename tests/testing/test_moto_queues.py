"""moto's SQS under a virtual clock: delays, visibility, receive counts, dead letters."""

import json

import pytest

from milepost.testing.moto.queues import record_of
from tests.contract.beds import START_MS
from tests.testing.moto_bed import BOTO, MotoBed, arn


def test_a_delay_ends_when_the_clock_says_so(bed: MotoBed) -> None:
    url = bed.make_queue()
    bed.clients.sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=10)
    bed.clock.now += 9_999
    assert bed.bodies(url) == []
    bed.clock.now += 1
    assert bed.bodies(url) == ["later"]


def test_a_message_that_is_not_deleted_comes_again_when_its_visibility_ends(bed: MotoBed) -> None:
    url = bed.make_queue(VisibilityTimeout="120")
    bed.clients.sqs.send_message(QueueUrl=url, MessageBody="again")
    [first] = bed.receive(url)
    bed.clock.now += 119_999
    assert bed.receive(url) == []
    bed.clock.now += 1
    [second] = bed.receive(url)
    assert second["MessageId"] == first["MessageId"]
    assert (first["Attributes"]["ApproximateReceiveCount"], second["Attributes"]["ApproximateReceiveCount"]) == ("1", "2")
    assert second["Attributes"]["SentTimestamp"] == str(START_MS)
    bed.clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    bed.clock.now += 10**9
    assert bed.receive(url) == []


def test_a_visibility_that_is_changed_to_nothing_ends_now(bed: MotoBed) -> None:
    url = bed.make_queue()
    bed.clients.sqs.send_message(QueueUrl=url, MessageBody="again")
    [message] = bed.receive(url)
    bed.clients.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    assert bed.bodies(url) == ["again"]


def test_after_its_last_delivery_a_message_is_a_dead_letter(bed: MotoBed) -> None:
    dead = bed.make_queue("dead")
    redrive = json.dumps({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 3})
    url = bed.make_queue(VisibilityTimeout="10", RedrivePolicy=redrive)
    bed.clients.sqs.send_message(QueueUrl=url, MessageBody="poison")
    for _ in range(3):
        assert bed.bodies(url) == ["poison"]
        bed.clock.now += 10_000
    bed.clients.sqs.send_message(QueueUrl=url, MessageBody="fine")
    assert bed.bodies(url) == ["fine"]
    assert bed.bodies(dead) == ["poison"]


def test_a_long_poll_returns_at_once_for_no_time_passes(bed: MotoBed) -> None:
    url = bed.make_queue()
    assert bed.receive(url, WaitTimeSeconds=20) == []


def test_messages_come_in_the_order_in_which_they_became_visible(bed: MotoBed) -> None:
    url = bed.make_queue()
    for body, delay in (("third", 20), ("second", 10), ("first", 0)):
        bed.clients.sqs.send_message(QueueUrl=url, MessageBody=body, DelaySeconds=delay)
    bed.clock.now += 30_000
    assert bed.bodies(url) == ["first", "second", "third"]


def test_a_message_is_forgotten_after_its_retention(bed: MotoBed) -> None:
    url = bed.make_queue(MessageRetentionPeriod="60")
    bed.clients.sqs.send_message(QueueUrl=url, MessageBody="old")
    bed.clock.now += 60_000
    bed.clients.sqs.send_message(QueueUrl=url, MessageBody="new")
    assert bed.bodies(url) == ["new"]


def test_a_fifo_queue_is_motos_own(bed: MotoBed) -> None:
    url = bed.make_queue("q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    for body in ("one", "two"):
        bed.clients.sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g")
    assert bed.bodies(url) == ["one", "two"]


def test_a_received_message_as_a_lambda_function_is_shown_it(bed: MotoBed) -> None:
    url = bed.make_queue()
    bed.clients.sqs.send_message(
        QueueUrl=url,
        MessageBody="hello",
        MessageGroupId="tenant",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "greeting"}},
    )
    [message] = bed.receive(url)
    record = record_of(message, arn("q"), "us-east-1")
    assert record == {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": "hello",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(START_MS),
            "SenderId": message["Attributes"]["SenderId"],
            "ApproximateFirstReceiveTimestamp": str(START_MS),
            "MessageGroupId": "tenant",
        },
        "messageAttributes": {"kind": {"stringValue": "greeting", "stringListValues": [], "binaryListValues": [], "dataType": "String"}},
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:q",
        "awsRegion": "us-east-1",
    }


def test_user_code_needs_no_account(bed: MotoBed, monkeypatch: pytest.MonkeyPatch) -> None:
    bed.make_queue()
    assert BOTO.client("sqs").get_queue_url(QueueName="q")["QueueUrl"].endswith("/123456789012/q")
