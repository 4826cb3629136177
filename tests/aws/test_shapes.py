"""A Query's answer, read straight into Structs."""

from enum import StrEnum
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.aws.items import from_attributes, to_attributes
from milepost.aws.shapes import decoder_of
from milepost.engine.records import Failing, Packed, Record


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct, frozen=True):
    name: str
    size: int | None = None
    deeper: "Inner | None" = None


class Leaf(msgspec.Struct, frozen=True):
    text: str | None = None
    raw: bytes | None = None


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """A field of each kind."""

    sk: str
    number: int
    kind: Literal["a", "b"]
    colour: Colour = Colour.RED
    level: Literal[1, 2] = 1
    is_on: bool = False
    maybe: int | None = None
    text: str | None = "given"
    raw: bytes = b""
    share: float = 0.5
    leaf: Leaf | None = None
    other: Leaf = Leaf(text="other")
    listed: list[int] = []
    named: dict[str, Any] = {}
    either: int | str = 7
    renamed: int = msgspec.field(default=0, name="other-name")


def answer(*items: dict[str, Any], **more: Any) -> bytes:
    return msgspec.json.encode({"Count": len(items), "Items": [to_attributes(item) for item in items], **more})


THINGS = st.builds(
    Thing,
    sk=st.text(),
    number=st.integers(-(10**30), 10**30),
    kind=st.sampled_from(["a", "b"]),
    colour=st.sampled_from(Colour),
    level=st.sampled_from([1, 2]),
    is_on=st.booleans(),
    maybe=st.none() | st.integers(-5, 5),
    text=st.none() | st.text(),
    raw=st.binary(),
    share=st.floats(allow_nan=False, allow_infinity=False),
    leaf=st.none() | st.builds(Leaf, text=st.none() | st.text(), raw=st.none() | st.binary()),
    other=st.builds(Leaf),
    listed=st.lists(st.integers(0, 9), max_size=2),
    named=st.dictionaries(st.text(max_size=2), st.integers(0, 9) | st.text(), max_size=2),
    either=st.integers(0, 9) | st.text(),
    renamed=st.integers(0, 9),
)


@given(st.lists(THINGS, max_size=3))
def test_every_kind_of_field_is_read(things: list[Thing]) -> None:
    items = [msgspec.to_builtins(thing, builtin_types=(bytes,)) for thing in things]
    assert decoder_of(Thing)(answer(*items)) == (things, None)


def test_what_is_not_there_has_its_default() -> None:
    [thing], _ = decoder_of(Thing)(answer({"sk": "s", "number": 1, "kind": "a", "unknown": {"to": ["the shape"]}}))
    assert thing == Thing(sk="s", number=1, kind="a")
    assert thing.named is not decoder_of(Thing)(answer({"sk": "s", "number": 1, "kind": "a"}))[0][0].named


def test_a_text_is_not_taken_for_what_it_says() -> None:
    item = {"sk": "null", "number": 1, "kind": "a", "text": "null", "leaf": {"text": "12"}, "either": "3"}
    [thing], _ = decoder_of(Thing)(answer(item))
    assert (thing.sk, thing.text, thing.leaf, thing.either) == ("null", "null", Leaf(text="12"), "3")


def test_none_that_stands_in_an_item_is_none() -> None:
    item = {"sk": "s", "number": 1, "kind": "a", "maybe": None, "text": None, "leaf": None}
    [thing], _ = decoder_of(Thing)(answer(item))
    assert (thing.maybe, thing.text, thing.leaf) == (None, None, None)


@pytest.mark.parametrize(
    "item",
    [
        {"sk": "s", "number": 1},
        {"sk": "s", "number": "one", "kind": "a"},
        {"sk": "s", "number": 1, "kind": "c"},
        {"sk": None, "number": 1, "kind": "a"},
        {"sk": "s", "number": 1, "kind": "a", "listed": ["x"]},
    ],
    ids=repr,
)
def test_what_does_not_fit_is_an_error(item: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decoder_of(Thing)(answer(item))


def test_where_a_page_ends_is_told() -> None:
    last = to_attributes({"pk": "p", "sk": "s"})
    assert decoder_of(Leaf)(answer({"text": "t"}, LastEvaluatedKey=last)) == ([Leaf(text="t")], last)


def test_a_record_is_read_as_by_way_of_an_item() -> None:
    records = [
        Record(pk="run#1", sk="step#a", kind="run", status="completed", value=Packed(text='"x"'), attempts=1, k=3, ttl=9),
        Record(pk="run#1", sk="step#b", kind="wait", status="pending", due_at=5, detail={"event": "e", "index": 1}),
        Record(pk="run#1", sk="step#c", kind="run", status="failed", error=Failing(type="T", message="m", step="s"), undo=True),
        Record(pk="run#1", sk="step#d", kind="map", status="pending", value=Packed(squeezed=b"\0\1"), seen=[("a", 1, 2, 3)]),
        Record(pk="run#1", sk="step#e", kind="run", status="completed", base=[(1, [(2, 3, [4, 5])])], more_seen=[Packed(ref="r")]),
    ]
    items = [record.to_item() for record in records]
    plainly = [Record.from_item(from_attributes(to_attributes(item))) for item in items]
    assert decoder_of(Record)(answer(*items)) == (plainly, None)
