"""SqsQueue: batches, delays, fair keys, and what SQS takes in part."""

import json
from collections.abc import Iterator

import pytest

from milepost.aws.failures import AwsError
from milepost.aws.queue import SqsQueue
from milepost.engine.ports import Outgoing
from milepost.errors import ConfigurationError
from tests.aws.deployed import Deployed, answered, by_moto, deployed, refused


@pytest.fixture
def stage() -> Iterator[Deployed]:
    with deployed("heavy") as opened:
        yield opened


@pytest.fixture
def queue(stage: Deployed) -> SqsQueue:
    return SqsQueue(stage.clients, stage.names)


def send(queue: SqsQueue, *bodies: str) -> None:
    queue.send([Outgoing("default", body) for body in bodies])


def sizes(stage: Deployed) -> list[int]:
    return [len(request["Entries"]) for request in stage.requests("SendMessageBatch")]


def bodies(stage: Deployed, group: str = "default") -> list[str]:
    return sorted(message["Body"] for message in stage.received(group))


def test_ten_messages_are_one_request(stage: Deployed, queue: SqsQueue) -> None:
    send(queue, *map(str, range(25)))
    assert sizes(stage) == [10, 10, 5]


def test_messages_go_to_the_queues_of_their_groups(stage: Deployed, queue: SqsQueue) -> None:
    queue.send([Outgoing("heavy", "h"), Outgoing("default", "d"), Outgoing("heavy", "i")])
    assert (bodies(stage, "heavy"), bodies(stage)) == (["h", "i"], ["d"])
    assert sizes(stage) == [2, 1]


def test_a_batch_is_at_most_a_mebibyte(stage: Deployed, queue: SqsQueue) -> None:
    send(queue, *["x" * 400_000] * 5)
    assert sizes(stage) == [2, 2, 1]


def test_a_message_is_measured_in_bytes(stage: Deployed, queue: SqsQueue) -> None:
    send(queue, *["é" * 300_000] * 2)
    assert sizes(stage) == [1, 1]


def test_a_message_that_sqs_would_not_take_is_refused_with_its_size_before_anything_is_sent(stage: Deployed, queue: SqsQueue) -> None:
    with pytest.raises(ValueError, match=r"a message of 1,048,577 bytes to worker group 'default': 1,048,576 are the most"):
        send(queue, "fine", "x" * (1024 * 1024 + 1))
    with pytest.raises(ValueError, match="an empty message"):
        send(queue, "fine", "")
    assert stage.asked == []


@pytest.mark.parametrize(("delay_ms", "seconds"), [(1, 1), (1_000, 1), (1_001, 2), (900_000, 900)])
def test_a_delay_is_whole_seconds_and_never_shorter(stage: Deployed, queue: SqsQueue, delay_ms: int, seconds: int) -> None:
    queue.send([Outgoing("default", "later", delay_ms=delay_ms)])
    [request] = stage.requests("SendMessageBatch")
    assert request["Entries"] == [{"Id": "0", "MessageBody": "later", "DelaySeconds": seconds}]


def test_a_fair_key_is_the_message_group(stage: Deployed, queue: SqsQueue) -> None:
    queue.send([Outgoing("default", "mine", fair_key="customer-1"), Outgoing("default", "plain")])
    groups = {message["Body"]: message["Attributes"].get("MessageGroupId") for message in stage.received()}
    assert groups == {"mine": "customer-1", "plain": None}


@pytest.mark.parametrize("key", ["customer 1", "größe", "x" * 129, "a\nb"])
def test_a_fair_key_that_sqs_would_not_take_is_hashed(stage: Deployed, queue: SqsQueue, key: str) -> None:
    queue.send(
        [Outgoing("default", "a", fair_key=key), Outgoing("default", "b", fair_key=key), Outgoing("default", "c", fair_key=key + "!")]
    )
    [request] = stage.requests("SendMessageBatch")
    groups = [entry["MessageGroupId"] for entry in request["Entries"]]
    assert groups[0] == groups[1] != groups[2]
    assert all(group.isascii() and group.isalnum() and len(group) <= 128 for group in groups)


def test_a_group_without_a_queue_is_named_before_anything_is_sent(stage: Deployed, queue: SqsQueue) -> None:
    with pytest.raises(ConfigurationError, match="worker group 'huge' has no queue in this stage, which has 'default', 'heavy'"):
        queue.send([Outgoing("default", "fine"), Outgoing("huge", "not")])
    assert stage.asked == []


def failing(*codes: str, fault: bool = False) -> str:
    """An answer that takes the third message of a batch and not the first two."""
    failed = [{"Id": str(number), "Code": code, "Message": "for the test", "SenderFault": fault} for number, code in enumerate(codes)]
    return json.dumps({"Successful": [{"Id": str(len(codes)), "MessageId": "m", "MD5OfMessageBody": "x"}], "Failed": failed})


def test_only_what_failed_is_sent_again(stage: Deployed, queue: SqsQueue) -> None:
    stage.answers(
        stage.clients.sqs, "SendMessageBatch", answered(failing("InternalError", "RequestThrottled")), answered(failing("InternalError"))
    )
    queue.send([Outgoing("default", body, delay_ms=2_000) for body in "abc"])
    requests = [
        [(entry["MessageBody"], entry["DelaySeconds"]) for entry in request["Entries"]] for request in stage.requests("SendMessageBatch")
    ]
    assert requests == [[("a", 2), ("b", 2), ("c", 2)], [("a", 2), ("b", 2)], [("a", 2)]]
    assert len(stage.pauses) == 2


def test_a_message_that_failed_by_its_own_fault_is_not_sent_again(stage: Deployed, queue: SqsQueue) -> None:
    stage.answers(stage.clients.sqs, "SendMessageBatch", answered(failing("InvalidMessageContents", fault=True)))
    with pytest.raises(
        AwsError, match=r"sqs:SendMessage on queue 'shop-sandbox-default' in eu-west-1 was refused \(InvalidMessageContents"
    ):
        send(queue, "a", "b")
    assert len(sizes(stage)) == 1


def test_patience_ends(stage: Deployed, queue: SqsQueue) -> None:
    stage.answers(stage.clients.sqs, "SendMessageBatch", *[answered(failing("RequestThrottled"))] * 100)
    with pytest.raises(AwsError, match=r"is throttled .*tried 8 times") as caught:
        send(queue, "a", "b")
    assert caught.value.is_throttle


def test_a_throttled_request_is_made_again(stage: Deployed, queue: SqsQueue) -> None:
    stage.answers(stage.clients.sqs, "SendMessageBatch", refused("RequestThrottled"), by_moto)
    send(queue, "a")
    assert sizes(stage) == [1, 1]


def test_a_permission_that_is_missing_is_named(stage: Deployed, queue: SqsQueue) -> None:
    said = "User: arn:aws:sts::1:assumed-role/worker/f is not authorized to perform: sqs:sendmessage on resource: arn:aws:sqs:eu-west-1:1:q"
    stage.answers(stage.clients.sqs, "SendMessageBatch", refused("AccessDeniedException", said, 403))
    with pytest.raises(
        AwsError, match=r"sqs:sendmessage on queue 'shop-sandbox-default' .*is not allowed for arn:aws:sts::1:assumed-role/worker/f"
    ):
        send(queue, "a")


def test_a_queue_that_is_not_there_is_named(stage: Deployed, queue: SqsQueue) -> None:
    stage.clients.sqs.delete_queue(QueueUrl=stage.clients.queue_url(stage.names.queues["default"]))
    with pytest.raises(AwsError, match="there is no queue 'shop-sandbox-default' in eu-west-1"):
        send(queue, "a")
