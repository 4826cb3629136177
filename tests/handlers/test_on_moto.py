"""The handlers on AWS's own requests: a cold start from an environment, a message put off, and what AWS refuses."""

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from milepost.aws.assembly import ports_on
from milepost.aws.failures import AwsError
from milepost.aws.serving import LONGEST_VISIBILITY_S, postponing
from milepost.engine import keys
from milepost.engine.origins import get_header
from milepost.engine.ports import Key
from milepost.runs import RunStatus
from milepost.wall_clock import SystemClock
from milepost_handlers import sweeper, worker
from milepost_handlers.runtime import install
from tests.aws.deployed import Deployed, deployed
from tests.handlers.lambda_kit import Context, logged_in, metrics_in
from tests.handlers.test_runtime import SHOP


@pytest.fixture
def stage() -> Generator[Deployed]:
    with deployed() as stage:
        yield stage


@pytest.fixture
def shop(stage: Deployed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator[Deployed]:
    """Its Lambda functions, before their cold start."""
    for name, value in {**stage.names.to_environment(), "MILEPOST_APP": "shop:app", "MILEPOST_DIRECT": "0"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, stage.clients.region)
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    install(None)
    yield stage
    install(None)
    sys.modules.pop("shop", None)


def records(stage: Deployed, *bodies: str) -> list[dict[str, Any]]:
    """Messages from the queue, in the form in which Lambda hands them over."""
    url = stage.clients.queue_url(stage.names.queues["default"])
    for body in bodies:
        stage.clients.sqs.send_message(QueueUrl=url, MessageBody=body)
    return [
        {
            "messageId": one["MessageId"],
            "receiptHandle": one["ReceiptHandle"],
            "body": one["Body"],
            "attributes": {name: one["Attributes"][name] for name in ("ApproximateReceiveCount", "SentTimestamp")},
            "eventSource": "aws:sqs",
        }
        for one in stage.received()
    ]


def event(id: str) -> str:
    """As the rule's InputTransformer makes it."""
    raw = f'{{"id":"{id}","detail-type":"shop/order.placed","source":"web","time":"2026-11-23T00:00:00Z","detail":{{"order_id":"o-1"}}}}'
    return f'{{"v":1,"kind":"event","for":"order","at":"2026-11-23T00:00:00Z","event":{raw}}}'


def run_of(id: str) -> str:
    return keys.run_id("order", "shop/order.placed", id)


def status(stage: Deployed, id: str) -> RunStatus | None:
    header = get_header(ports_on(stage.names, stage.clients, SystemClock()).table, run_of(id))
    return None if header is None else header.status


def test_a_batch_after_a_cold_start(shop: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    batch = records(shop, event("e-1"), "poison", event("e-2"))
    poison = next(one["messageId"] for one in batch if one["body"] == "poison")
    assert worker.handler({"Records": batch}, Context()) == {"batchItemFailures": [{"itemIdentifier": poison}]}
    assert (status(shop, "e-1"), status(shop, "e-2")) == (RunStatus.COMPLETED, RunStatus.COMPLETED)
    [line] = metrics_in(capsys.readouterr().out)
    assert line["RunsCompleted"] == [1, 1]
    assert sweeper.handler({}, Context()) == {"overdue": 0, "resumed": 0, "extended": 0, "ticks": 0}


def test_a_record_of_a_newer_version_keeps_its_message(shop: Deployed, capsys: pytest.CaptureFixture[str]) -> None:
    table = ports_on(shop.names, shop.clients, SystemClock()).table
    table.put({"pk": f"run#{run_of('e-1')}", "sk": "run", "v": 2, "status": "waiting"})
    [record] = records(shop, event("e-1"))
    answer = worker.handler({"Records": [record]}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    [line] = logged_in(capsys.readouterr().out)
    assert (line["level"], line["run_id"], line["event_id"]) == ("ERROR", run_of("e-1"), "e-1")
    assert "has schema 2, this milepost reads up to 1: upgrade milepost" in line["error"]
    assert table.get(Key(f"run#{run_of('e-1')}", "run")) == {"pk": f"run#{run_of('e-1')}", "sk": "run", "v": 2, "status": "waiting"}


def test_a_table_that_is_not_there_is_named(shop: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MILEPOST_TABLE", "elsewhere")
    [record] = records(shop, event("e-1"))
    answer = worker.handler({"Records": [record]}, Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
    [line] = logged_in(capsys.readouterr().out)
    assert "there is no table 'elsewhere' in" in line["error"]
    assert (line["run_id"], line["function"]) == (run_of("e-1"), "order")


def test_a_message_is_put_off(stage: Deployed) -> None:
    [record] = records(stage, "anything")
    postpone = postponing(stage.clients, stage.names, "default")
    postpone(record["receiptHandle"], 0)
    [again] = stage.received()
    assert again["MessageId"] == record["messageId"]
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"
    postpone(again["ReceiptHandle"], LONGEST_VISIBILITY_S)
    assert stage.received() == []
    url = stage.clients.queue_url(stage.names.queues["default"])
    assert stage.requests("ChangeMessageVisibility")[-1] == {
        "QueueUrl": url,
        "ReceiptHandle": again["ReceiptHandle"],
        "VisibilityTimeout": LONGEST_VISIBILITY_S,
    }


def test_a_visibility_that_cannot_be_set_names_action_and_queue(stage: Deployed) -> None:
    postpone = postponing(stage.clients, stage.names, "default")
    with pytest.raises(AwsError, match=r"sqs:ChangeMessageVisibility on queue '.+'"):
        postpone("no handle", 10)
