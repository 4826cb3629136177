"""--stage: the same commands on a deployed stage, here in a Sandbox on moto, whose parameters, table and queues they find by SSM."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import boto3
import pytest

from milepost import App, Run
from milepost.aws import dead_letters, schema
from milepost.aws.clients import Clients
from milepost.cli import stage as stages
from milepost.engine.keys import SHARDS
from milepost.testing import Sandbox
from milepost.testing.moto.environment import region_of_environment
from milepost.testing.moto.stage import names_of, put_parameters
from tests.cli.conftest import Milepost

STAGE = ("--stage", "sandbox", "--app", "shop:app")
ORDER = '{"order_id": "o-9", "total": 12.50}'


@cache
def clients() -> Clients:
    """One for all tests: each command would make its own, which takes longer than what it does."""
    return Clients(boto3.Session("testing", "testing", region_name=region_of_environment()))


@pytest.fixture
def box(app: App, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setattr(stages, "BIRTH_S", 0.0)  # nobody works while a command runs: the box is driven by the test
    monkeypatch.setattr(dead_letters, "WAIT_S", 0)  # its clock stands still
    with Sandbox(app, backend="moto") as opened:
        put_parameters(clients(), names_of("shop", (), clients().region), "shop")
        monkeypatch.setattr("milepost.aws.clients.Clients", clients)
        yield opened


def place(box: Sandbox, app: App, order: str = "o-1", total: int = 5) -> Run[Any]:
    placed = app.definitions.events["shop/order.placed"].cls
    [run] = box.send(placed(order_id=order, total=Decimal(total)), id=order)
    return run


# ---- runs ------------------------------------------------------------------------------------------------------------


def test_runs_are_listed_and_shown(box: Sandbox, app: App, milepost: Milepost) -> None:
    waiting, failed = place(box, app), place(box, app, "o-2", 500)
    text = milepost("runs", *STAGE).stdout
    assert waiting.id[:8] in text
    assert "CardDeclined" in text
    assert "milepost dev" not in text, "somebody works in a stage"
    listed = milepost.json("runs", *STAGE, "--status", "failed")
    assert [one["id"] for one in listed] == [failed.id]
    shown = milepost.json("show", waiting.id, *STAGE)
    assert [step["path"] for step in shown["steps"]] == ["charge", "label", "prepare/0/reserve", "prepare/1/mail", "approval"]
    assert shown["data"] == {"order_id": "o-1", "total": 5, "items": []}


def test_a_run_is_found_by_its_whole_id_or_the_beginning_of_a_recent_one(box: Sandbox, app: App, milepost: Milepost) -> None:
    run = place(box, app)
    assert run.id in milepost("show", run.id, *STAGE).stdout
    assert run.id in milepost("show", run.id[:5].upper(), *STAGE).stdout
    assert f"no id of the newest {SHARDS * 1000:,} runs of any function" in milepost.error("show", "zzzzz", *STAGE, code=3)
    assert "stage 'sandbox' has no run" in milepost.error("show", "z" * 26, *STAGE, code=3)
    assert "too short" in milepost.error("show", run.id[:3], *STAGE, code=2)


def test_an_event_is_sent_and_starts_its_run(box: Sandbox, app: App, milepost: Milepost) -> None:
    sent = milepost.json("send", "shop/order.placed", ORDER, "--id", "mine", *STAGE)
    assert (sent["id"], sent["stage"], sent["worker"], sent["is_checked"]) == ("mine", "sandbox", None, True)
    box.run_until_idle()
    [run] = box.runs("fulfil_order")
    assert run.status == "waiting"
    assert "no run has begun yet" in milepost("send", "shop/odd.thing", *STAGE).stdout
    assert "order_id: is missing" in milepost.error("send", "shop/order.placed", '{"total": 1}', *STAGE, code=2)
    assert "no event 'shop/nothing'" in milepost.error("send", "shop/nothing", *STAGE, code=3)


def test_a_run_is_cancelled_and_its_worker_does_the_rest(box: Sandbox, app: App, milepost: Milepost) -> None:
    run = place(box, app)
    assert f"cancelled {run.id[:8]}" in milepost("cancel", run.id[:8], "--reason", "no stock", *STAGE).stdout
    assert (run.status, run.view.reason) == ("cancelled", "no stock")
    box.run_until_idle()
    assert "is cancelled already" in milepost.error("cancel", run.id, *STAGE, code=1)


def test_a_run_is_paused_resumed_and_run_again(box: Sandbox, app: App, milepost: Milepost) -> None:
    run = place(box, app)
    assert "--stage sandbox" in milepost("pause", run.id, *STAGE).stdout
    assert run.status == "paused"
    assert milepost.json("resume", run.id, *STAGE)["stage"] == "sandbox"
    box.run_until_idle()
    assert run.status == "waiting"
    again = milepost.json("rerun", run.id, "--from", "charge", *STAGE)
    assert again["rerun_of"] == run.id
    box.run_until_idle()
    assert [one.status for one in box.runs("fulfil_order")] == ["waiting", "waiting"]


# ---- dead letters ----------------------------------------------------------------------------------------------------


def put_dead(*bodies: str) -> None:
    url = clients().queue_url(names_of("shop", (), clients().region).dead_letters["default"])
    for body in bodies:
        clients().sqs.send_message(QueueUrl=url, MessageBody=body)


def test_dead_letters_are_listed_and_stay(box: Sandbox, milepost: Milepost) -> None:
    assert "no message was given up" in milepost("dlq", "list", *STAGE).stdout
    put_dead('{"kind": "poke", "run": "r", "v": 1}', "no JSON at all", *(f'"{number}"' for number in range(12)))
    assert len(milepost.json("dlq", "list", *STAGE)) == 14
    listed = milepost.json("dlq", "list", *STAGE)
    assert len(listed) == 14
    assert {one["group"] for one in listed} == {"default"}
    assert "no JSON at all" in [one["body"] for one in listed]
    assert len(milepost.json("dlq", "list", "--limit", "3", *STAGE)) == 3
    assert "dlq resume --all --stage sandbox" in milepost("dlq", "list", *STAGE).stdout


def test_dead_letters_are_sent_again_and_gone(box: Sandbox, app: App, milepost: Milepost) -> None:
    start = f'{{"v":1,"kind":"publish","name":"shop/order.placed","source":"shop","detail":{_quoted(ORDER)},"id":"dead"}}'
    put_dead(start, '{"kind": "poke", "run": "nobody", "v": 1}')
    letters = milepost.json("dlq", "list", *STAGE)
    [poke] = [letter["id"] for letter in letters if letter["body"]["kind"] == "poke"]
    assert milepost.json("dlq", "resume", poke, *STAGE)["resumed"] == [poke]
    assert len(milepost.json("dlq", "list", *STAGE)) == 1
    assert f"no dead letter '{poke}'" in milepost.error("dlq", "resume", poke, *STAGE, code=3)
    assert "1 message sent again" in milepost("dlq", "resume", "--all", *STAGE).stdout
    assert milepost.json("dlq", "list", *STAGE) == []
    box.run_until_idle()
    assert [run.function for run in box.runs()] == ["fulfil_order"]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'


# ---- what is in the way ----------------------------------------------------------------------------------------------


def test_a_stage_that_is_not_deployed(box: Sandbox, milepost: Milepost) -> None:
    text = milepost.error("runs", "--stage", "prod", "--app", "shop:app", code=6)
    assert "stage 'prod' of app 'shop' is not deployed here" in text
    assert "/milepost/shop/prod/table" in text
    assert "cannot be the name of a stage" in milepost.error("runs", "--stage", "a/b", "--app", "shop:app", code=6)


def test_a_stage_of_an_app_that_nobody_named(box: Sandbox, milepost: Milepost) -> None:
    assert "stage 'sandbox' of which app?" in milepost.error("runs", "--stage", "sandbox", code=2)
    assert "there is no module 'nowhere'" in milepost.error("runs", "--stage", "sandbox", "--app", "nowhere:app", code=5)


def test_a_table_that_is_gone(box: Sandbox, milepost: Milepost) -> None:
    name = names_of("shop", (), clients().region).table
    clients().dynamodb.delete_table(TableName=name)
    try:
        assert f"'{name}'" in milepost.error("runs", *STAGE, code=6)
    finally:
        clients().dynamodb.create_table(**schema.create_table(name))


def test_without_a_region(app: App, milepost: Milepost, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert "no AWS region is set" in milepost.error("runs", *STAGE, code=6)


def test_events_are_not_logged_in_a_stage(milepost: Milepost) -> None:
    assert "No such option" in milepost.error("events", "--stage", "sandbox", code=2)


def test_time_passes_in_the_box_alone(box: Sandbox, app: App, milepost: Milepost) -> None:
    run = place(box, app)
    box.advance(timedelta(days=8))
    assert milepost.json("show", run.id, *STAGE)["status"] == "completed"
