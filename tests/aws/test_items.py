"""Items as DynamoDB writes them."""

import base64
import math
from enum import StrEnum
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer
from hypothesis import given
from hypothesis import strategies as st

from milepost.aws.items import from_attributes, to_attribute, to_attributes
from milepost.engine.ports import Item
from milepost.narrowing import is_dict, is_list

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**38) + 1, 10**38 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary()
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3))
ITEMS: st.SearchStrategy[Item] = st.dictionaries(st.text(min_size=1), VALUES, max_size=4)


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types but for floats without a fraction."""
    if is_dict(one) and is_dict(other):
        return one.keys() == other.keys() and all(same(each, other[name]) for name, each in one.items())
    if is_list(one) and is_list(other):
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is float and type(other) is int:
        return bool(one == other) and one.is_integer()
    return type(one) is type(other) and bool(one == other)


@given(ITEMS)
def test_what_is_written_is_read(item: Item) -> None:
    assert same(item, from_attributes(to_attributes(item)))


@given(ITEMS)
def test_boto3_reads_it_too(item: Item) -> None:
    """All of it is of DynamoDB's own types."""
    reader: Any = TypeDeserializer()
    for name, attribute in to_attributes(item).items():
        reader.deserialize(attribute)
        assert name in item


@given(st.integers(-(10**38) + 1, 10**38 - 1))
def test_integers_are_exact(number: int) -> None:
    assert to_attribute(number) == {"N": str(number)}


@pytest.mark.parametrize(
    "number", [10**38, -(10**38), 2**20_000, math.inf, -math.inf, math.nan], ids=lambda number: f"{type(number).__name__}"
)
def test_numbers_that_dynamodb_cannot_hold_are_refused(number: float) -> None:
    with pytest.raises(ValueError, match="cannot be stored"):
        to_attributes({"pk": "a", "sk": "b", "n": number})


@pytest.mark.parametrize("number", [1e300, -1e300, 5e-324, 1e-200, 2.0**53, 1e22])
def test_floats_out_of_a_numbers_range_are_kept_all_the_same(number: float) -> None:
    item = {"n": number, "deep": [{"n": number}]}
    assert "N" not in to_attribute(number)
    assert same(item, from_attributes(to_attributes(item)))


@pytest.mark.parametrize(
    ("number", "text"), [(0.1, "0.1"), (-1.5, "-1.5"), (1e-7, "0.0000001"), (2.0, "2.0"), (1 / 3, "0.3333333333333333")]
)
def test_other_floats_are_numbers(number: float, text: str) -> None:
    assert to_attribute(number) == {"N": text}


def test_dynamodb_may_write_a_number_in_other_ways() -> None:
    assert from_attributes({"a": {"N": "1E-7"}, "b": {"N": "2"}}) == {"a": 1e-7, "b": 2}


@pytest.mark.parametrize("name", ["", "\0", "\0f", "\0\0f", "\0x", "f"])
def test_any_name_may_stand_in_a_dict(name: str) -> None:
    item = {"m": {name: {"S": "1.5"}, "other": {name: 1}}}
    written = to_attributes(item)
    assert from_attributes(written) == item
    assert all(written["m"]["M"])  # DynamoDB has no attribute without a name


def test_bytes_may_come_decoded_or_not() -> None:
    raw = b"\x00\xff"
    assert from_attributes({"a": {"B": raw}, "b": {"B": base64.b64encode(raw).decode()}, "c": {"L": [{"B": raw}]}}) == {
        "a": raw,
        "b": raw,
        "c": [raw],
    }


def test_a_text_enum_is_its_text() -> None:
    class Status(StrEnum):
        RUNNING = "running"

    [written] = to_attributes({"status": Status.RUNNING}).values()
    assert written == {"S": "running"}
    assert type(written["S"]) is str


@pytest.mark.parametrize("value", [object, {1, 2}, {"deep": [object]}, {1: "a"}], ids=repr)
def test_what_is_no_value_of_an_item_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="item"):
        to_attributes({"a": value})


def test_a_set_that_somebody_else_wrote_is_not_misread() -> None:
    with pytest.raises(TypeError, match="SS"):
        from_attributes({"a": {"SS": ["x"]}})
