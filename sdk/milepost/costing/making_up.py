"""Values of a type, made up: plain, small, and always the same. For an event that nobody sent, and a step that nobody ran."""

import types
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Literal, Union, get_args, get_origin
from uuid import UUID

from milepost.fields import fields_of, plain

_DEPTH: Final = 12
_PLAIN: Final[Mapping[type, object]] = {
    str: "text",
    int: 1,
    float: 1.0,
    bool: True,
    Decimal: 1,
    bytes: "dGV4dA==",
    datetime: "2026-01-01T09:00:00Z",
    date: "2026-01-01",
    time: "09:00:00",
    timedelta: "PT1S",
    UUID: "00000000-0000-4000-8000-000000000000",
    dict: {},
    object: None,
    type(None): None,
}
"""In JSON."""


class NothingFits(Exception):
    """No value of the type can be made up. Its text says of which part."""


def made_up(annotation: Any, *, depth: int = 0) -> Any:
    """A value of the type as it stands in JSON: what may be None is, what is a list has one item. Raises NothingFits."""
    if depth > _DEPTH:
        raise NothingFits("it holds itself")
    if annotation is Any or annotation is None:
        return None
    if get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation):
        return None
    member = plain(annotation)[0]
    origin, inner = get_origin(member), get_args(member)
    if origin is Literal:
        return inner[0].value if isinstance(inner[0], Enum) else inner[0]
    if isinstance(origin, type):
        return _collection(member, origin, inner, lambda part: made_up(part, depth=depth + 1))
    fields = fields_of(member)
    if fields is not None:
        return {name: _field(name, part, depth) for name, part in fields.items()}
    return _scalar(member)


def _field(name: str, annotation: Any, depth: int) -> Any:
    try:
        return made_up(annotation, depth=depth + 1)
    except NothingFits as error:
        raise NothingFits(f"{name}: {error}") from error


def _collection(member: Any, origin: type, inner: tuple[Any, ...], make: Callable[[Any], Any]) -> Any:
    if issubclass(origin, tuple):
        return [make(part) for part in inner if part is not Ellipsis]
    if issubclass(origin, Mapping):
        return {}
    if issubclass(origin, Sequence | AbstractSet):
        return [make(inner[0])]
    fields = fields_of(member)
    if fields is None:
        raise NothingFits(f"no value of {member} can be made up")
    return {name: make(part) for name, part in fields.items()}


def _scalar(member: Any) -> Any:
    if isinstance(member, type) and issubclass(member, Enum):
        return next(iter(member)).value
    if isinstance(member, type):
        for base in member.__mro__[:-1]:
            if base in _PLAIN:
                return _PLAIN[base]
        if issubclass(member, Sequence | AbstractSet):
            return []
    if member is object:
        return None
    name = member.__name__ if isinstance(member, type) else member
    raise NothingFits(f"no value of {name} can be made up")
