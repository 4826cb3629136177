r"""Items as DynamoDB writes them, and back: ``{"n": 1}`` <-> ``{"n": {"N": "1"}}``. Pure, exact, and quick: every request comes by.

boto3's own serializer makes sets and Decimals of what we never have, and takes nearly four times as long (decisions.md).

What DynamoDB cannot hold as it is stands in a map of one key that begins with NUL, and such keys of ours are escaped:

    1e300, 1e-300, 9007199254740993.0   {"M": {"\0f": {"S": "1e+300"}}}     out of a number's range, or of what it keeps exactly
    {"": 1}                             {"M": {"\0": ...}}                 an attribute has a name
    {"\0x": 1}                          {"M": {"\0\0x": ...}}

A float without a fraction (2.0) may come back as the int of the same value (2): DynamoDB knows one kind of number.
"""

import math
from base64 import b64decode
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from milepost.engine.ports import Item
from milepost.narrowing import is_dict, is_list, is_tuple

Attribute: TypeAlias = dict[str, Any]
"""One value with its type: `{"S": "text"}`."""
Attributes: TypeAlias = dict[str, Attribute]

_FLOAT: Final = "\0f"
_DIGITS: Final = 10**38
"""A number has 38 significant digits (DynamoDB developer guide, "Limits", read 2026-11-23)."""
_EXACT: Final = 2.0**53
_SMALLEST: Final = 1e-100
"""DynamoDB's numbers begin at 1e-130, and the digits of a float take up to 17 places more."""

_TRUE: Final[Attribute] = {"BOOL": True}
_FALSE: Final[Attribute] = {"BOOL": False}
_NULL: Final[Attribute] = {"NULL": True}


def to_attributes(item: Mapping[str, Any]) -> Attributes:
    """The item as DynamoDB takes it. Raises ValueError for a number that it cannot hold, TypeError for what is no value of an item."""
    attributes: Attributes = {}
    for name, value in item.items():
        kind = value.__class__
        if kind is str:
            attributes[name] = {"S": value}
        elif kind is int and -_DIGITS < value < _DIGITS:
            attributes[name] = {"N": str(value)}
        else:
            attributes[name] = to_attribute(value)
    return attributes


def to_attribute(value: Any) -> Attribute:
    """One value as DynamoDB takes it; raises as `to_attributes`."""
    if isinstance(value, str):
        return {"S": str.__str__(value)}  # a StrEnum, say, as plain text
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if value is None:
        return _NULL
    if isinstance(value, int):
        return _of_int(value)
    if isinstance(value, float):
        return _of_float(value)
    if isinstance(value, bytes):
        return {"B": value}
    if is_dict(value):
        return {"M": {_escaped(name): to_attribute(each) for name, each in value.items()}}
    if is_list(value) or is_tuple(value):
        return {"L": [to_attribute(each) for each in value]}
    raise TypeError(f"{value!r} is no value of an item: str, int, float, bool, bytes, None, and lists and dicts of them are")


def from_attributes(attributes: Mapping[str, Attribute]) -> Item:
    """The item that DynamoDB gave."""
    item: Item = {}
    for name, attribute in attributes.items():
        for kind, value in attribute.items():  # of which there is one
            if kind == "S":
                item[name] = value
            elif kind == "N":
                item[name] = _number(value)
            else:
                item[name] = from_attribute(attribute)
    return item


def from_attribute(attribute: Attribute) -> Any:
    """The value that DynamoDB gave."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return _number(value)
        case "NULL":
            return None
        case "M":
            if _FLOAT in value:
                return float(value[_FLOAT]["S"])
            return {_unescaped(name): from_attribute(each) for name, each in value.items()}
        case "L":
            return [from_attribute(each) for each in value]
        case "B":  # botocore has decoded it, the direct way has not
            return b64decode(value) if isinstance(value, str) else bytes(value)
        case _:
            raise TypeError(f"an attribute of type {kind} is none that milepost writes")


def _of_int(value: int) -> Attribute:
    if not -_DIGITS < value < _DIGITS:
        raise ValueError(f"an integer of {value.bit_length()} bits cannot be stored: DynamoDB keeps 38 digits of a number")
    return {"N": int.__str__(value)}


def _of_float(value: float) -> Attribute:
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be stored: it is no finite number")
    size = abs(value)
    if value and (size < _SMALLEST or size >= _EXACT):
        return {"M": {_FLOAT: {"S": repr(value)}}}
    return {"N": format(Decimal(repr(float(value))), "f")}


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _escaped(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a dict in an item has the key {name!r}: keys are strings")
    return "\0" + name if not name or name[0] == "\0" else name


def _unescaped(name: str) -> str:
    return name[1:] if name[:1] == "\0" else name
