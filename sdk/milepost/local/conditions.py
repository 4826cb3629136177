"""Conditions and changes, in Python: what the closed set of ports.py means, for tables that test them themselves.

Pure. Strings are ordered by code point, which is the byte order of their UTF-8.
"""

from typing import Any, Final, Literal, TypeAlias

from milepost.engine.ports import Absent, And, Change, Condition, Equals, Item, Or, Present

_Kind: TypeAlias = Literal["bool", "number", "string", "none", "other"]
_MISSING: Final = object()


def holds(condition: Condition | None, item: Item | None) -> bool:
    """Whether the condition is true of the item that stands there, or of there being none. No condition is true."""
    if isinstance(condition, Equals):  # a chain and loops, not `match` and generators: every write comes through here
        return item is not None and _is_equal(item.get(condition.field, _MISSING), condition.value)
    if isinstance(condition, And):
        for each in condition.conditions:  # noqa: SIM110 - see above
            if not holds(each, item):
                return False
        return True
    if isinstance(condition, Or):
        for each in condition.conditions:  # noqa: SIM110 - see above
            if holds(each, item):
                return True
        return False
    if isinstance(condition, Absent):
        return item is None or condition.field not in item
    if isinstance(condition, Present):
        return item is not None and condition.field in item
    if condition is None:
        return True
    return item is not None and _is_less(item.get(condition.field, _MISSING), condition.value)


def changed(item: Item, change: Change) -> Item:
    """The item after the change, as a new dict.

    Raises:
        ValueError: the change touches pk or sk, or an attribute twice.
        TypeError: it adds to an attribute that is no number.
    """
    change.check()
    new = {**item, **change.set}
    for field in change.remove:
        new.pop(field, None)
    for field, amount in change.add.items():
        value = item.get(field, 0)
        if _kind(value) != "number":
            raise TypeError(f"cannot add {amount} to attribute {field} of {item['pk']} / {item['sk']}: it is {value!r}, not a number")
        new[field] = value + amount
    return new


def _is_equal(found: Any, value: str | float | bool | None) -> bool:
    kind = _kind(found)
    return kind != "other" and kind == _kind(value) and bool(found == value)


def _is_less(found: Any, value: str | float) -> bool:
    kind = _kind(found)
    return kind in ("number", "string") and kind == _kind(value) and bool(found < value)


def _kind(value: Any) -> _Kind:
    """Values of different kinds are neither equal nor ordered: True is not 1."""
    kind = _KINDS.get(value.__class__)
    if kind is not None:
        return kind
    if isinstance(value, str):  # a StrEnum, say
        return "string"
    return "number" if isinstance(value, int | float) else "other"


_KINDS: Final[dict[type[Any], _Kind]] = {bool: "bool", int: "number", float: "number", str: "string", type(None): "none"}
