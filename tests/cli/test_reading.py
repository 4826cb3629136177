"""runs, show and events: what they print, the documents they write, and what they say when there is nothing to show."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from milepost.cli.shapes import EventShape, RunShape, ShownRun
from tests.cli.conftest import Milepost, Shop


def rows(text: str, word: str) -> list[str]:
    return [line for line in text.splitlines() if word in line]


def test_runs_are_listed_newest_first_with_what_matters_of_each(shop: Shop, milepost: Milepost) -> None:
    text = milepost("runs").stdout
    assert text.splitlines()[0].split() == ["run", "status", "function", "began", "took"]
    [failed] = rows(text, shop.failed[:8] + "  failed")
    assert "fulfil_order" in failed
    assert "CardDeclined: o-2: 500 is too much" in failed
    [waiting] = rows(text, shop.waiting[:8])
    assert "waits for shop/order.approved (order_id=o-1) until" in waiting
    assert "the code took another path" in text
    assert f"child of {shop.completed[:8]}" in text
    assert f"for {shop.failed[:8]}" in text
    assert "no worker is running" in text


def test_runs_are_chosen_by_function_status_and_time(shop: Shop, milepost: Milepost) -> None:
    def ids(*arguments: str) -> set[str]:
        return {run["id"] for run in milepost.json("runs", *arguments)}

    assert ids("--status", "paused") == {shop.paused}
    assert ids("--function", "fulfil_order") == {shop.waiting, shop.completed, shop.failed}
    assert ids("-f", "fulfil_order", "-s", "failed", "--since", "10m") == {shop.failed}
    assert ids("--until", "1h") == set()
    assert ids("--since", (datetime.now(UTC) + timedelta(minutes=1)).isoformat()) == set()
    assert len(ids("--limit", "2")) == 2
    assert "... and more: --limit 8" in milepost("runs", "-n", "2").stdout


def test_the_document_of_runs(shop: Shop, milepost: Milepost) -> None:
    runs = msgspec.json.decode(milepost("runs", "--json").stdout, type=list[RunShape])
    failed = next(run for run in runs if run.id == shop.failed)
    assert (failed.function, failed.status, failed.event, failed.event_id) == ("fulfil_order", "failed", "shop/order.placed", "event-2")
    assert failed.error is not None
    assert (failed.error.type, failed.error.step) == ("shop.CardDeclined", "charge")
    assert failed.ended_at is not None
    assert failed.duration_ms >= 0
    assert [run.created_at for run in runs] == sorted((run.created_at for run in runs), reverse=True)


def test_show_draws_a_timeline(shop: Shop, milepost: Milepost) -> None:
    lines = milepost("show", shop.completed[:8]).stdout.splitlines()
    assert lines[0] == f"fulfil_order  completed  {shop.completed}"
    steps = [line.split("+")[0].rstrip() for line in lines[lines.index(next(line for line in lines if line.startswith("step"))) + 1 :]]
    assert steps == ["  ✓ charge", "  ✓ label", "  ✓ prepare", "    ✓ 0/reserve", "    ✓ 1/mail", "  ✓ approval", "  ✓ receipt"]
    text = "\n".join(lines)
    assert '{"order_id": "o-3", "total": 5, "items": []}' in text
    assert "result    " in text
    assert "children  make_receipt" in text


def test_show_says_what_a_run_waits_for(shop: Shop, milepost: Milepost) -> None:
    text = milepost("show", shop.waiting).stdout
    assert "now" in text
    assert "waits for shop/order.approved (order_id=o-1) until" in text
    assert "(in 7 d)" in text
    assert "◦ approval" in text
    assert "no worker is running" in text


def test_show_says_what_a_run_failed_with_and_where(shop: Shop, milepost: Milepost) -> None:
    text = milepost("show", shop.failed).stdout
    assert "✗ charge" in text
    assert "charge failed with shop.CardDeclined: o-2: 500 is too much" in text
    assert "in charge" in text
    assert "led to  fulfil_order.on_failure" in text
    assert "Traceback" not in text
    assert "Traceback" in milepost("show", shop.failed, "--all").stdout


def test_show_says_why_a_run_is_paused(shop: Shop, milepost: Milepost) -> None:
    [reason] = rows(milepost("show", shop.paused).stdout, "reason")
    assert "the code took another path" in reason


def test_the_document_of_show(shop: Shop, milepost: Milepost) -> None:
    run = msgspec.json.decode(milepost("show", shop.completed, "--json").stdout, type=ShownRun)
    assert [step.path for step in run.steps] == ["charge", "label", "prepare/0/reserve", "prepare/1/mail", "approval", "receipt"]
    assert [(step.scope, step.name) for step in run.steps[2:4]] == [(["prepare", "0"], "reserve"), (["prepare", "1"], "mail")]
    assert all(step.status == "completed" and step.ended_at is not None for step in run.steps)
    assert [(child.function, child.status) for child in run.children] == [("make_receipt", "completed")]
    assert run.steps[-1].child == run.children[0].id
    assert bytes(run.result) == b'"o-3"'
    waiting = msgspec.json.decode(milepost("show", shop.waiting, "--json").stdout, type=ShownRun)
    assert [(one.step, one.events) for one in waiting.waiting_for] == [("approval", ["shop/order.approved"])]
    assert b"9.50" in bytes(waiting.data)  # the digits that were sent


def test_events_are_listed_with_the_runs_they_started(shop: Shop, milepost: Milepost) -> None:
    text = milepost("events").stdout
    assert f"fulfil_order {shop.waiting[:8]}" in text
    assert len(rows(text, "nothing")) == 1
    events = msgspec.json.decode(milepost("events", "--json").stdout, type=list[EventShape])
    assert [event.id for event in events] == [f"event-{number}" for number in (5, 4, 3, 2, 1)]
    assert [run.id for run in events[-1].runs] == [shop.waiting]
    assert msgspec.json.decode(bytes(events[-1].data)) == {"order_id": "o-1", "total": 9.5, "items": ["a", "b"]}
    assert [event["id"] for event in milepost.json("events", "--name", "shop/odd.thing")] == ["event-4"]
    assert milepost.json("events", "--since", "0s") == []
    assert "no event 'shop/never' was accepted" in milepost("events", "--name", "shop/never").stdout


@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_line_is_wider_than_the_terminal(shop: Shop, width: int) -> None:
    milepost = Milepost(columns=width)
    for command in (["runs"], ["events"], ["show", shop.waiting], ["show", shop.failed], ["show", shop.completed]):
        lines = milepost(*command).stdout.splitlines()
        assert max(map(len, lines)) <= width, "\n".join(lines)
    for run, status in ((shop.completed, "completed"), (shop.failed, "failed"), (shop.waiting, "waiting"), (shop.paused, "paused")):
        assert len(rows(milepost("runs").stdout, f"{run[:8]}  {status}")) == 1


def test_there_is_no_colour_where_there_is_no_terminal(shop: Shop, milepost: Milepost) -> None:
    for command in (["runs"], ["events"], ["show", shop.failed]):
        assert "\x1b" not in milepost(*command).output


def test_an_empty_list_says_what_to_do(shop: Shop, milepost: Milepost) -> None:
    assert "no run fits" in milepost("runs", "--status", "cancelled").stdout
    assert "no message was given up" in milepost("dlq", "list").stdout
