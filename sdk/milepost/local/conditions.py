"""Conditions and changes, in Python: what the closed set of ports.py means, for tables that test them themselves.

Pure. Strings are ordered by code point, which is the byte order of their UTF-8.
"""

from typing import Any, Final, Literal, TypeAlias, assert_never

from milepost.engine.ports import Absent, And, Change, Condition, Equals, Item, LessThan, Or, Present

_Kind: TypeAlias = Literal["bool", "number", "string", "none", "other"]
_MISSING: Final = object()


def holds(condition: Condition | None, item: Item | None) -> bool:
    """Whether the condition is true of the item that stands there, or of there being none. No condition is true."""
    match condition:
        case None:
            return True
        case Absent(field):
            return item is None or field not in item
        case Present(field):
            return item is not None and field in item
        case Equals(field, value):
            return item is not None and _is_equal(item.get(field, _MISSING), value)
        case LessThan(field, value):
            return item is not None and _is_less(item.get(field, _MISSING), value)
        case And(conditions):
            return all(holds(each, item) for each in conditions)
        case Or(conditions):
            return any(holds(each, item) for each in conditions)
        case _:
            assert_never(condition)


def changed(item: Item, change: Change) -> Item:
    """The item after the change, as a new dict.

    Raises:
        ValueError: the change touches pk or sk, or an attribute twice.
        TypeError: it adds to an attribute that is no number.
    """
    _check(change)
    new = {**item, **change.set}
    for field in change.remove:
        new.pop(field, None)
    for field, amount in change.add.items():
        value = item.get(field, 0)
        if _kind(value) != "number":
            raise TypeError(f"cannot add {amount} to attribute {field} of {item['pk']} / {item['sk']}: it is {value!r}, not a number")
        new[field] = value + amount
    return new


def _check(change: Change) -> None:
    names = [*change.set, *change.remove, *change.add]
    if "pk" in names or "sk" in names:
        raise ValueError("a change cannot touch pk or sk: they say where the item lives")
    if len(set(names)) != len(names):
        raise ValueError(f"a change names an attribute twice: {sorted(names)}")


def _is_equal(found: Any, value: str | float | bool | None) -> bool:
    kind = _kind(found)
    return kind != "other" and kind == _kind(value) and bool(found == value)


def _is_less(found: Any, value: str | float) -> bool:
    kind = _kind(found)
    return kind in ("number", "string") and kind == _kind(value) and bool(found < value)


def _kind(value: Any) -> _Kind:
    """Values of different kinds are neither equal nor ordered: True is not 1."""
    match value:
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "string"
        case None:
            return "none"
        case _:
            return "other"
