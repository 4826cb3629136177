"""Keys: what lives where, in which order, and that no two things share a place."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.engine import keys
from milepost.events import KeyValue

VALUES: list[KeyValue] = ["7", 7, 7.5, True, "b:true", "true", "", "a=b#c", "s:7", "x" * 199, "x" * 250]


def test_rows_of_a_run_share_its_partition() -> None:
    rows = [keys.header("r"), keys.event_row("r"), keys.result_row("r", 3), keys.step("r", "a/b:2")]
    assert [row.pk for row in rows] == ["run#r"] * 4
    assert [row.sk for row in rows] == ["run", "event", "result#3", "step#a/b:2"]


@given(st.text())
def test_a_name_comes_back_from_its_escape(name: str) -> None:
    escaped = keys.escape(name)
    assert keys.unescape(escaped) == name
    assert not set(escaped) & set("/:#~")


def test_names_that_look_escaped_do_not_meet_those_that_are() -> None:
    names = ["a/b", "a%2Fb", "a%252Fb", "a:b", "a#b", "a~b", "%", "%25"]
    assert len({keys.escape(name) for name in names}) == len(names)
    assert keys.unescape_path("prepare%3A/0/a%2Fb") == "prepare:/0/a/b"


def test_typed_key_values_do_not_meet() -> None:
    assert len({keys.wait_pk("e", "k", value) for value in VALUES}) == len(VALUES)
    assert len({keys.event_pk("e", "k", value) for value in VALUES}) == len(VALUES)


def test_long_key_values_are_hashed() -> None:
    assert keys.wait_pk("e", "k", "x" * 5_000) != keys.wait_pk("e", "k", "x" * 5_001)
    assert len(keys.wait_pk("e", "k", "ü" * 5_000)) < 100
    assert "x" * 198 in keys.wait_pk("e", "k", "x" * 198)


def test_wait_and_event_of_one_key_name_the_same_thing() -> None:
    for value in VALUES:
        assert keys.wait_pk("shop/e", "k", value).removeprefix("wait") == keys.event_pk("shop/e", "k", value).removeprefix("event")


@given(st.lists(st.tuples(st.integers(0, 10**14), st.integers(0, 10**14), st.text("abc", min_size=1, max_size=200)), min_size=2))
def test_events_lie_in_the_order_of_look_back(events: list[tuple[int, int, str]]) -> None:
    assert sorted(events) == [event for _, event in sorted((keys.event_sk(*event), event) for event in events)]


@given(st.integers(0, 10**14))
def test_look_back_begins_before_every_event_of_that_time(at: int) -> None:
    start = keys.event_sk_before(at)
    assert start < keys.event_sk(at, 0, "")
    assert at == 0 or keys.event_sk(at - 1, 10**14, "zzz") < start


@pytest.mark.parametrize("id", ["x" * 256, "\U0001f600" * 256])
def test_a_long_id_makes_no_key_that_is_too_long(id: str) -> None:
    for sk in (keys.event_sk(1, 2, id), keys.skip_row("f", 1, id).sk):
        assert len(sk.encode()) <= 1_024
    assert keys.event_sk(1, 2, id) != keys.event_sk(1, 2, id[1:])


def test_ids_are_hashes_of_what_they_stand_for() -> None:
    ids = [
        keys.run_id("f", "e", "1"),
        keys.run_id("f", "e1", ""),
        keys.run_id("fe", "", "1"),
        keys.child_id("f", "e"),
        keys.handler_id("f", "undo"),
        keys.handler_id("f", "on_failure"),
        keys.rerun_id("f", 1),
        keys.rerun_id("f", 2),
        keys.tick_id("f", "* * * * *", "UTC", 1),
        keys.sent_event_id("f", "e", 0),
        keys.sent_event_id("f", "e", 1),
    ]
    assert len(set(ids)) == len(ids)
    assert all(len(one) == 26 and one.isalnum() for one in ids)
    assert keys.run_id("f", "e", "1") == ids[0]


def test_a_run_keeps_its_id_over_releases() -> None:
    """Changing how ids are made would start every run in flight anew."""
    assert keys.run_id("fulfil", "shop/order.placed", "o-1") == PINNED


PINNED = "anfs4cfcebvefe4xl6kygnkgvi"


@given(st.text(), st.text())
def test_the_dice_are_fair_enough_and_always_fall_alike(one: str, two: str) -> None:
    drawn = keys.fraction(one, two)
    assert 0 <= drawn < 1
    assert drawn == keys.fraction(one, two)


def test_runs_are_spread_over_the_shards() -> None:
    shards = {keys.shard(keys.run_id("f", "e", str(number))) for number in range(100)}
    assert shards == set(range(keys.SHARDS))
    assert len({*map(keys.due_shard, shards), *map(keys.paused_shard, shards)}) == 2 * keys.SHARDS


def test_skips_lie_by_day() -> None:
    at = round(datetime(2026, 3, 1, 23, 59, tzinfo=UTC).timestamp() * 1000)
    assert keys.skip_row("f", at, "e").pk == "skip#f#2026-03-01"
    assert keys.skip_row("f", at + 60_000, "e").pk == "skip#f#2026-03-02"


@pytest.mark.parametrize("tz", ["UTC", "Europe/Paris"])
def test_a_cron_has_a_row_for_each_zone(tz: str) -> None:
    assert keys.cron_row("f", "0 9 * * *", tz).sk.endswith(tz)
