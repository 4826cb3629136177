"""send, cancel, rerun, resume and dlq: what they do to the state file, and what a worker then makes of it."""

import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from milepost import App
from milepost.cli.shapes import Acted, Sent
from milepost.local import LocalCloud
from tests.aio.plays import Lines
from tests.cli.conftest import STATE, Milepost, Shop, eventually

ORDER = '{"order_id": "o-9", "total": 12.50}'


# ---- send ------------------------------------------------------------------------------------------------------------


def test_an_event_is_sent_beside_a_worker_and_its_runs_are_named(app: App, milepost: Milepost) -> None:
    with LocalCloud(app, STATE, target="shop:app", log=Lines()) as cloud:  # else its lines would be among the command's
        text = milepost("send", "shop/order.placed", ORDER).stdout
        [run] = cloud.runs("fulfil_order")
        assert run.id[:8] in text
        assert "fulfil_order" in text
        sent = msgspec.json.decode(milepost("send", "shop/odd.thing", "--id", "mine", "--json").stdout, type=Sent)
        assert (sent.id, sent.is_checked, [one.function for one in sent.runs]) == ("mine", True, ["diverge"])
        assert sent.worker is not None
        assert "it starts no function" in milepost("send", "shop/order.approved", '{"order_id": "o-9"}').stdout


def test_an_event_waits_in_the_file_until_there_is_a_worker(shop: Shop, app: App, milepost: Milepost) -> None:
    assert "nothing happens until `milepost dev MODULE:APP` does" in milepost("send", "shop/order.placed", ORDER).stdout
    with LocalCloud(app, STATE) as cloud:
        eventually(lambda: len(cloud.runs("fulfil_order")) == 4)


def test_the_numbers_of_an_event_arrive_as_they_were_written(shop: Shop, app: App, milepost: Milepost) -> None:
    milepost("send", "shop/order.placed", '{"order_id": "o-9", "total": 12.5000000000000000001}', "--id", "exact")
    with LocalCloud(app, STATE) as cloud:
        eventually(lambda: len(cloud.runs("fulfil_order")) == 4)
    [sent] = [event for event in milepost.json("events") if event["id"] == "exact"]
    assert "12.5000000000000000001" in milepost("events", "--json").stdout
    assert sent["runs"][0]["function"] == "fulfil_order"


def test_data_come_from_a_file_or_from_stdin(shop: Shop, here: Path, milepost: Milepost) -> None:
    (here / "order.json").write_text(ORDER, encoding="utf-8")
    assert "sent shop/order.placed" in milepost("send", "shop/order.placed", "@order.json").stdout
    assert "sent shop/order.placed" in milepost("send", "shop/order.placed", "-", input=ORDER).stdout
    assert "@PATH names a file" in milepost.error("send", "shop/order.placed", "@none.json", code=2)


def test_an_event_can_be_sent_for_later(shop: Shop, milepost: Milepost) -> None:
    assert "delivered at" in milepost("send", "shop/odd.thing", "--at", "10m").stdout
    sent = milepost.json("send", "shop/odd.thing", "--at", "2099-12-24T18:00:00+00:00")
    assert sent["at"].startswith("2099-12-24T18:00:00")


def test_data_that_do_not_fit_say_which_field_and_what_the_event_has(shop: Shop, milepost: Milepost) -> None:
    before = STATE.read_bytes()
    text = milepost.error("send", "shop/order.placed", '{"order_id": 7, "total": 1}', code=2)
    assert "order_id: expected str, found 7" in text
    assert "shop/order.placed has order_id: str, total: Decimal" in text
    assert "total: is missing" in milepost.error("send", "shop/order.placed", '{"order_id": "x"}', code=2)
    assert "not a JSON object" in milepost.error("send", "shop/order.placed", "[1]", code=2)
    assert STATE.read_bytes() == before


def test_an_unknown_event_suggests_near_names(shop: Shop, milepost: Milepost) -> None:
    assert "Did you mean 'shop/order.placed'" in milepost.error("send", "shop/order.place", ORDER, code=3)


def test_what_is_no_json_is_pointed_at(shop: Shop, milepost: Milepost) -> None:
    lines = milepost.error("send", "shop/order.placed", '{"order_id": o-1}', code=2).splitlines()
    assert "is no JSON: expecting value at line 1, column 14" in lines[0]
    place = next(number for number, line in enumerate(lines) if line.strip() == "^")
    assert lines[place - 1][lines[place].index("^")] == "o"
    assert "there is nothing" in milepost.error("send", "shop/order.placed", "", code=2)
    assert "NaN is no JSON" in milepost.error("send", "shop/order.placed", '{"total": NaN}', code=2)


def test_without_the_app_s_code_an_event_is_sent_unchecked(shop: Shop, here: Path, milepost: Milepost) -> None:
    (here / "shop.py").write_text("raise ValueError('half an edit')", encoding="utf-8")
    del sys.modules["shop"]
    result = milepost("send", "shop/order.placed", '{"anything": 1}')
    assert "data are not checked" in result.stderr
    assert "half an edit" in result.stderr
    assert "sent shop/order.placed" in result.stdout
    assert "Did you mean 'shop/order.placed'" in milepost("send", "shop/order.place", ORDER, code=3).stderr


def test_an_app_that_is_named_must_load(shop: Shop, milepost: Milepost) -> None:
    assert "there is no module 'shp'" in milepost.error("send", "shop/odd.thing", "--app", "shp:app", code=5)
    assert "did you mean shop" in milepost.error("send", "shop/odd.thing", "--app", "shp:app", code=5)
    assert "does not say where the app is" in milepost.error("send", "shop/odd.thing", "--app", "shop.py", code=2)
    assert "sent shop/odd.thing" in milepost("send", "shop/odd.thing", "--app", "shop:app").stdout


# ---- cancel, rerun, resume ---------------------------------------------------------------------------------------------


def test_a_run_is_cancelled_at_once_and_settled_by_the_worker(shop: Shop, app: App, milepost: Milepost) -> None:
    text = milepost("cancel", shop.waiting[:8], "--reason", "changed my mind").stdout
    assert f"cancelled {shop.waiting[:8]} of fulfil_order" in text
    assert milepost.json("show", shop.waiting)["status"] == "cancelled"
    assert "changed my mind" in milepost("show", shop.waiting).stdout
    with sqlite3.connect(STATE) as conn:
        assert conn.execute("SELECT count(*) FROM items WHERE pk LIKE 'wait#%'").fetchone() == (1,)
        with LocalCloud(app, STATE):
            eventually(lambda: conn.execute("SELECT count(*) FROM items WHERE pk LIKE 'wait#%'").fetchone() == (0,))
    conn.close()


def test_a_run_is_run_again(shop: Shop, app: App, milepost: Milepost) -> None:
    acted = msgspec.json.decode(milepost("rerun", shop.failed, "--json").stdout, type=Acted)
    assert (acted.rerun_of, acted.status, acted.worker) == (shop.failed, "scheduled", None)
    with LocalCloud(app, STATE) as cloud:
        eventually(lambda: next(run.status for run in cloud.runs("fulfil_order") if run.id == acted.run) == "failed")
    assert acted.run[:8] in milepost("show", shop.failed).stdout


def test_a_run_is_run_again_from_a_step_with_other_arguments(shop: Shop, app: App, milepost: Milepost) -> None:
    text = milepost("rerun", shop.failed, "--from", "charge", "--input", '["o-2", 50.10]').stdout
    assert f"a rerun of {shop.failed[:8]}" in text
    [again] = [run["id"] for run in milepost.json("runs") if run["rerun_of"] == shop.failed]
    with LocalCloud(app, STATE) as cloud:
        eventually(lambda: next(run.status for run in cloud.runs("fulfil_order") if run.id == again) == "waiting")
        [charge] = [step for run in cloud.runs("fulfil_order") if run.id == again for step in run.steps if step.name == "charge"]
    assert charge.result == pytest.approx(float(Decimal("50.10")))


def test_a_run_is_run_again_with_another_event(shop: Shop, milepost: Milepost) -> None:
    assert "total: is missing" in milepost.error("rerun", shop.failed, "--input", '{"order_id": "o-2"}', code=2)
    again = milepost.json("rerun", shop.failed, "--input", '{"order_id": "o-2", "total": 5}')["run"]
    assert milepost.json("show", again)["data"] == {"order_id": "o-2", "total": 5}


def test_a_paused_run_goes_on(shop: Shop, milepost: Milepost) -> None:
    assert "resumed" in milepost("resume", shop.paused).stdout
    assert milepost.json("show", shop.paused)["status"] == "waiting"


def test_a_run_is_paused_with_a_reason(shop: Shop, milepost: Milepost) -> None:
    assert f"paused {shop.waiting[:8]}" in milepost("pause", shop.waiting[:8], "--reason", "bank is down").stdout
    shown = milepost.json("show", shop.waiting)
    assert (shown["status"], shown["reason"]) == ("paused", "bank is down")


# ---- dead letters --------------------------------------------------------------------------------------------------------


def test_dead_letters_are_listed_and_sent_again(shop: Shop, milepost: Milepost) -> None:
    milepost("send", "shop/odd.thing", "--id", "stuck")
    now = int((datetime.now(UTC) - timedelta(hours=3)).timestamp() * 1000)
    with sqlite3.connect(STATE) as conn:
        conn.execute("UPDATE messages SET dead_at = ?, deliveries = 8 WHERE body LIKE '%stuck%'", (now,))
    conn.close()
    assert "3 h ago" in milepost("dlq", "list").stdout
    [letter] = milepost.json("dlq", "list")
    assert (letter["deliveries"], letter["body"]["kind"]) == (8, "publish")
    assert "1 message sent again" in milepost("dlq", "resume", "--all").stdout
    assert milepost.json("dlq", "list") == []
