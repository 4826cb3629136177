"""The table port: queries by key and by index, and their pages."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from milepost.engine.ports import BY_FUNCTION, DUE, PAGE_LIMIT, Change, Index, Item, Key, Put, Table

AWKWARD = ["", "a", "a#", "a#1", "a#10", "a#2", "a$", "aa", "b", "Z", "é", "ﬀ", "\uffff", "\U00010000", "\U0010ffff", "z\0", "z"]
"""Their order in UTF-16, by locale, and by UTF-8 bytes are three."""


def put_all(table: Table, pk: str, names: list[str]) -> None:
    table.write_many([Put({"pk": pk, "sk": name, "n": number}) for number, name in enumerate(names)])


def pages(table: Table, pk: str, prefix: str = "", *, limit: int | None = None, backwards: bool = False) -> Iterator[list[str]]:
    after: str | None = None
    while True:
        page = table.query(pk, prefix, after=after, limit=limit, backwards=backwards)
        yield [item["sk"] for item in page.items]
        after = page.next
        if after is None:
            return


def names(table: Table, pk: str, prefix: str = "", *, limit: int | None = None, backwards: bool = False) -> list[str]:
    return [name for page in pages(table, pk, prefix, limit=limit, backwards=backwards) for name in page]


def by_bytes(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: name.encode())


def test_an_empty_partition_has_no_items(table: Table) -> None:
    page = table.query("p")
    assert page.items == []
    assert page.next is None


@pytest.mark.parametrize("backwards", [False, True])
def test_items_come_in_the_order_of_the_bytes_of_sk(table: Table, backwards: bool) -> None:
    there = [f"s{name}" for name in AWKWARD]
    put_all(table, "p", there)
    expected = by_bytes(there)
    assert names(table, "p", backwards=backwards) == (expected[::-1] if backwards else expected)


@pytest.mark.parametrize("consistent", [True, False])
def test_a_query_sees_its_partition_only(table: Table, consistent: bool) -> None:
    for pk in ("p", "p#", "o", "q"):
        put_all(table, pk, ["a"])
    assert [(item["pk"], item["sk"]) for item in table.query("p", consistent=consistent).items] == [("p", "a")]


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("prefix", ["s", "sa", "sa#", "sa#1", "sz", "sz\0", "s\uffff", "s\U0010ffff", "\U0010ffff", "none", "t"])
def test_a_prefix_selects(table: Table, prefix: str, backwards: bool) -> None:
    there = [f"s{name}" for name in AWKWARD]
    put_all(table, "p", there)
    expected = [name for name in by_bytes(there) if name.startswith(prefix)]
    assert names(table, "p", prefix, limit=2, backwards=backwards) == (expected[::-1] if backwards else expected)


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("backwards", [False, True])
def test_pages_hold_at_most_the_limit_and_all_items_once(table: Table, limit: int, backwards: bool) -> None:
    there = [f"{n:02}" for n in range(14)]
    put_all(table, "p", there)
    found = list(pages(table, "p", limit=limit, backwards=backwards))
    assert max(map(len, found)) <= limit
    assert [name for page in found for name in page] == (there[::-1] if backwards else there)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_of_nothing_is_refused(table: Table, limit: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        table.query("p", limit=limit)


@pytest.mark.parametrize(
    ("prefix", "after", "backwards", "expected"),
    [
        ("", "b", False, ["c", "d1", "d2"]),
        ("", "bb", False, ["c", "d1", "d2"]),
        ("", "0", False, ["a", "b", "c", "d1", "d2"]),
        ("", "z", False, []),
        ("", "c", True, ["b", "a"]),
        ("", "cc", True, ["c", "b", "a"]),
        ("", "0", True, []),
        ("d", "a", False, ["d1", "d2"]),
        ("d", "d1", False, ["d2"]),
        ("d", "e", False, []),
        ("d", "z", True, ["d2", "d1"]),
        ("d", "d2", True, ["d1"]),
        ("d", "a", True, []),
    ],
)
def test_after_is_exclusive_and_need_not_be_there(table: Table, prefix: str, after: str, backwards: bool, expected: list[str]) -> None:
    put_all(table, "p", ["a", "b", "c", "d1", "d2"])
    assert [item["sk"] for item in table.query("p", prefix, after=after, backwards=backwards).items] == expected


def test_a_page_is_bounded_when_no_limit_is_given(table: Table) -> None:
    put_all(table, "p", [f"{n:05}" for n in range(2 * PAGE_LIMIT + 1)])
    found = list(pages(table, "p"))
    assert all(len(page) <= PAGE_LIMIT for page in found)
    assert sum(map(len, found)) == 2 * PAGE_LIMIT + 1
    assert len(table.query("p", limit=10 * PAGE_LIMIT).items) <= PAGE_LIMIT


def test_a_query_shows_what_was_just_written_changed_and_deleted(table: Table) -> None:
    put_all(table, "p", ["a", "b", "c"])
    table.update(Key("p", "a"), Change(set={"n": 7}))
    table.delete(Key("p", "b"))
    assert [(item["sk"], item["n"]) for item in table.query("p").items] == [("a", 7), ("c", 2)]


# ---- indexes ---------------------------------------------------------------------------------------------------------


def run(number: int, shard: str | None = "f#0", at: int | None = None, **attributes: Any) -> Item:
    item: Item = {"pk": f"run#{number:03}", "sk": "run", "n": number, **attributes}
    if shard is not None:
        item["fn_shard"] = shard
    item["created_at"] = number if at is None else at
    return item


def found(table: Table, index: Index, value: str, **how: Any) -> list[int]:
    numbers: list[int] = []
    after: str | None = None
    while True:
        page = table.query_index(index, value, after=after, **how)
        numbers += [item["n"] for place in page.items if (item := table.get(Key(place["pk"], place["sk"]))) is not None]
        after = page.next
        if after is None:
            return numbers


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 100])
def test_an_index_is_ordered_by_its_range(table: Table, limit: int, backwards: bool) -> None:
    for number in (3, 1, 4, 2, 5):
        table.put(run(number))
    assert found(table, BY_FUNCTION, "f#0", limit=limit, backwards=backwards) == ([5, 4, 3, 2, 1] if backwards else [1, 2, 3, 4, 5])


def test_an_index_says_where_an_item_is_and_by_what_it_is_ordered(table: Table) -> None:
    table.put(run(1, extra={"nested": [1]}))
    [place] = table.query_index(BY_FUNCTION, "f#0").items
    assert place.items() >= {"pk": "run#001", "sk": "run", "fn_shard": "f#0", "created_at": 1}.items()


def test_an_index_holds_its_value_only(table: Table) -> None:
    table.put(run(1))
    table.put(run(2, "g#0"))
    assert found(table, BY_FUNCTION, "f#0") == [1]
    assert found(table, BY_FUNCTION, "g#0") == [2]
    assert found(table, BY_FUNCTION, "f") == []


def test_an_index_is_sparse(table: Table) -> None:
    table.put({"pk": "a", "sk": "a", "n": 1, "fn_shard": "f#0"})
    table.put({"pk": "b", "sk": "a", "n": 2, "created_at": 5})
    table.put({"pk": "c", "sk": "a", "n": 3, "fn_shard": "f#0", "created_at": 5})
    assert found(table, BY_FUNCTION, "f#0") == [3]


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("backwards", [False, True])
def test_items_of_one_instant_are_paged_without_loss(table: Table, limit: int, backwards: bool) -> None:
    for number in range(7):
        table.put(run(number, at=1_000))
    assert sorted(found(table, BY_FUNCTION, "f#0", limit=limit, backwards=backwards)) == list(range(7))


@pytest.mark.parametrize("backwards", [False, True])
def test_before_bounds_the_range_inclusively(table: Table, backwards: bool) -> None:
    for number in range(1, 7):
        table.put({"pk": f"r{number}", "sk": "run", "n": number, "due_shard": "0", "next_due": number * 10})
    for limit in (1, 100):
        due = found(table, DUE, "0", before=30, limit=limit, backwards=backwards)
        assert due == ([3, 2, 1] if backwards else [1, 2, 3])
    assert found(table, DUE, "0", before=9) == []
    assert found(table, DUE, "0", before=29) == [1, 2]


def test_an_update_moves_an_item_within_and_out_of_an_index(table: Table) -> None:
    for number in (1, 2):
        table.put({"pk": f"r{number}", "sk": "run", "n": number, "due_shard": "0", "next_due": number})
    table.update(Key("r1", "run"), Change(set={"next_due": 9}))
    assert found(table, DUE, "0") == [2, 1]
    table.update(Key("r2", "run"), Change(remove=("due_shard",)))
    assert found(table, DUE, "0") == [1]
    table.update(Key("r1", "run"), Change(set={"due_shard": "1"}))
    assert found(table, DUE, "0") == []
    assert found(table, DUE, "1") == [1]
    table.update(Key("r2", "run"), Change(set={"due_shard": "1"}))
    assert found(table, DUE, "1") == [2, 1]


def test_a_put_and_a_delete_move_an_item_out_of_an_index(table: Table) -> None:
    table.put(run(1))
    table.put(run(2))
    table.put(run(1, None))
    table.delete(Key("run#002", "run"))
    assert found(table, BY_FUNCTION, "f#0") == []


def test_an_item_may_stand_in_both_indexes(table: Table) -> None:
    table.put(run(1, due_shard="0", next_due=77))
    assert found(table, BY_FUNCTION, "f#0") == [1]
    assert found(table, DUE, "0") == [1]


def test_an_unknown_index_is_refused(table: Table) -> None:
    with pytest.raises(ValueError, match="no index other"):
        table.query_index(Index("other", hash="pk", range="sk"), "x")


class Numbered(msgspec.Struct):
    """A shape: less than an item has."""

    sk: str
    n: int


def test_items_are_read_in_a_shape_with_only_what_that_names(table: Table) -> None:
    put_all(table, "p", ["b", "a", "c"])
    put_all(table, "q", ["a"])
    assert table.query_as(Numbered, "p") == ([Numbered("a", 1), Numbered("b", 0), Numbered("c", 2)], None)
    assert table.query_as(Numbered, "p", "c") == ([Numbered("c", 2)], None)
    assert table.query_as(Numbered, "p", after="b") == ([Numbered("c", 2)], None)
    assert table.query_as(Numbered, "nothing") == ([], None)


def test_what_is_read_in_a_shape_comes_in_pages(table: Table) -> None:
    there = [f"{n:05}" for n in range(PAGE_LIMIT + 3)]
    put_all(table, "p", there)
    first, after = table.query_as(Numbered, "p")
    assert len(first) == PAGE_LIMIT
    rest, end = table.query_as(Numbered, "p", after=after)
    assert [one.sk for one in first + rest] == there
    assert end is None
