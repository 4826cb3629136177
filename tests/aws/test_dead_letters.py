"""Dead letters on SQS: looked at without losing one, sent again before they are deleted."""

from collections.abc import Iterator

import pytest

from milepost.aws import dead_letters
from milepost.aws.dead_letters import DeadLetters
from milepost.aws.failures import AwsError
from tests.aws.deployed import Deployed, by_moto, deployed, refused


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployed]:
    monkeypatch.setattr(dead_letters, "WAIT_S", 0)
    with deployed("heavy") as opened:
        yield opened


def put(stage: Deployed, *bodies: str, group: str = "default") -> None:
    url = stage.clients.queue_url(stage.names.dead_letters[group])
    for body in bodies:
        stage.clients.sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="tenant-7")


def bodies(stage: Deployed, group: str = "default") -> list[str]:
    return sorted(message["Body"] for message in stage.received(group))


def letters(stage: Deployed) -> DeadLetters:
    return DeadLetters(stage.clients, stage.names)


def test_what_is_looked_at_stays(stage: Deployed) -> None:
    put(stage, *(f"message {number}" for number in range(23)))
    put(stage, "from afar", group="heavy")
    assert len({letter.id for letter in letters(stage).look(100)}) == 24
    found = letters(stage).look(100)
    assert len({letter.id for letter in found}) == 24
    assert [letter.group for letter in found].count("heavy") == 1
    assert len(letters(stage).look(5)) == 5


def test_all_are_sent_to_their_own_queues_and_gone(stage: Deployed) -> None:
    put(stage, "one", "two")
    put(stage, "three", group="heavy")
    assert len(letters(stage).resume()) == 3
    assert bodies(stage) == ["one", "two"]
    [three] = stage.received("heavy")
    assert three["Body"] == "three"
    assert three["Attributes"]["MessageGroupId"] == "tenant-7"
    assert letters(stage).look(10) == []


def test_one_of_many_is_sent_and_the_others_stay(stage: Deployed) -> None:
    put(stage, *(f"message {number}" for number in range(14)))
    wanted = next(letter.id for letter in letters(stage).look(100) if letter.body == "message 11")
    assert letters(stage).resume([wanted, "nobody"]) == [wanted]
    assert bodies(stage) == ["message 11"]
    assert len(letters(stage).look(100)) == 13


def test_what_cannot_be_sent_is_not_deleted(stage: Deployed) -> None:
    put(stage, "one")
    stage.answers(stage.clients.sqs, "SendMessageBatch", refused("AccessDenied", "not authorized", 403))
    with pytest.raises(AwsError, match="sqs:SendMessage on queue 'shop-sandbox-default'"):
        letters(stage).resume()
    assert stage.requests("DeleteMessage") == []


def test_one_that_was_held_for_too_long_is_back_already(stage: Deployed) -> None:
    put(stage, "one", "two")
    stage.answers(stage.clients.sqs, "ChangeMessageVisibility", by_moto, refused("MessageNotInflight"))
    assert len(letters(stage).look(10)) == 2


def test_who_may_not_look_is_told_which_action_is_missing(stage: Deployed) -> None:
    stage.answers(stage.clients.sqs, "ReceiveMessage", refused("AccessDenied", "not authorized", 403))
    with pytest.raises(AwsError, match="sqs:ReceiveMessage on queue 'shop-sandbox-default-dlq'"):
        letters(stage).look(10)
