"""Every error says what is wrong, what to try, and ends with its own exit code; nothing is written before it."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from milepost.cli.exits import ErrorShape
from milepost.local.schema import APPLICATION_ID
from tests.cli.conftest import STATE, Milepost, Shop


@pytest.mark.parametrize(
    "command",
    [["runs"], ["show", "abcd"], ["cancel", "abcd"], ["rerun", "abcd"], ["resume", "abcd"], ["pause", "abcd"], ["events"], ["dlq", "list"]],
)
def test_without_a_state_file_every_command_says_how_to_make_one(here: Path, milepost: Milepost, command: list[str]) -> None:
    text = milepost.error(*command, code=4)
    assert f"there is no state file {STATE}" in text
    assert "milepost dev MODULE:APP" in text
    assert not STATE.parent.exists()


def test_a_run_that_does_not_exist(shop: Shop, milepost: Milepost) -> None:
    for command in ("show", "cancel", "rerun", "pause", "resume"):
        assert "no run's id begins with 'zzzzzzzz'" in milepost.error(command, "zzzzzzzz", code=3)
    assert "no run's id begins with 'a%_?'" in milepost.error("show", "a%_?", code=3)


def test_the_beginning_of_an_id_is_enough_but_not_less_than_four_characters(shop: Shop, milepost: Milepost) -> None:
    assert shop.failed in milepost("show", shop.failed[:6].upper()).stdout
    assert "too short" in milepost.error("show", shop.failed[:3], code=2)


def test_an_ambiguous_beginning_names_the_runs(shop: Shop, milepost: Milepost) -> None:
    twin = shop.failed[:5] + "a" * 21
    with sqlite3.connect(STATE) as conn:
        conn.execute(
            "INSERT INTO items SELECT ?, sk, body, NULL, NULL, NULL, NULL, NULL, NULL FROM items WHERE pk = ? AND sk = 'run'",
            (f"run#{twin}", f"run#{shop.failed}"),
        )
        body = msgspec.msgpack.decode(conn.execute("SELECT body FROM items WHERE pk = ?", (f"run#{twin}",)).fetchone()[0])
        assert isinstance(body, dict)
    conn.close()
    text = milepost.error("show", shop.failed[:4], code=2)
    assert "is the beginning of several runs' ids" in text
    assert shop.failed in text
    assert shop.failed in milepost("show", shop.failed[:20]).stdout


def test_a_function_that_does_not_exist(shop: Shop, milepost: Milepost) -> None:
    assert "Did you mean 'fulfil_order'" in milepost.error("runs", "--function", "fulfill_order", code=3)


def test_a_step_that_does_not_exist(shop: Shop, milepost: Milepost) -> None:
    text = milepost.error("rerun", shop.completed, "--from", "chrage", code=3)
    assert "has no step 'chrage'" in text
    assert "'charge'" in text


def test_an_unknown_command_suggests_the_right_one(milepost: Milepost) -> None:
    assert "did you mean 'events'?" in milepost.error("event", code=2)


def test_a_time_that_is_none(shop: Shop, milepost: Milepost) -> None:
    assert "'yesterday' is no time" in milepost.error("runs", "--since", "yesterday", code=2)


def test_what_is_over_stays_as_it_is(shop: Shop, milepost: Milepost) -> None:
    assert "is completed already" in milepost.error("cancel", shop.completed, code=1)
    assert "is waiting, not paused" in milepost.error("resume", shop.waiting, code=1)
    assert "is paused already" in milepost.error("pause", shop.paused, code=1)


def test_a_state_file_of_a_newer_schema(here: Path, milepost: Milepost) -> None:
    STATE.parent.mkdir()
    with sqlite3.connect(STATE) as conn:
        conn.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 99; CREATE TABLE t (x)")
    conn.close()
    text = milepost.error("runs", code=4)
    assert "written by a newer milepost (schema 99" in text
    assert "upgrade milepost" in text


def test_a_file_that_is_no_state_file_is_left_alone(here: Path, milepost: Milepost) -> None:
    notes = here / "notes.txt"
    notes.write_text("do not lose this\n" * 40, encoding="utf-8")
    assert "is not a milepost state file" in milepost.error("runs", "--state", str(notes), code=4)
    assert notes.read_text(encoding="utf-8") == "do not lose this\n" * 40


def test_a_damaged_state_file(shop: Shop, milepost: Milepost) -> None:
    for log in STATE.parent.glob("state.db-*"):
        log.unlink()
    raw = bytearray(STATE.read_bytes())
    raw[100:] = b"\xff" * (len(raw) - 100)
    STATE.write_bytes(bytes(raw))
    assert "damaged" in milepost.error("runs", code=4)


def test_errors_under_json_are_one_document_on_stderr(shop: Shop, milepost: Milepost) -> None:
    result = milepost("show", "zzzzzzzz", "--json", code=3)
    error = msgspec.json.decode(result.stderr, type=ErrorShape)
    assert error.exit == 3
    assert "zzzzzzzz" in error.error
    assert error.hint
    assert result.stdout == ""


def test_dead_letters_that_do_not_exist(shop: Shop, milepost: Milepost) -> None:
    assert "no dead letter 'm-999'" in milepost.error("dlq", "resume", "m-999", code=3)
    assert "they look like m-17" in milepost.error("dlq", "resume", "letter", code=3)
    assert "name messages, or give --all" in milepost.error("dlq", "resume", code=2)
