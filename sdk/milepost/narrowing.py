"""isinstance for values of any type, told to type checkers: a list found by it is a list of Any, not of the unknown."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether this is a list."""
    return isinstance(value, list)


def is_tuple(value: object) -> TypeGuard[tuple[Any, ...]]:
    """Whether this is a tuple."""
    return isinstance(value, tuple)


def is_dict(value: object) -> TypeGuard[dict[Any, Any]]:
    """Whether this is a dict."""
    return isinstance(value, dict)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether this is a Mapping."""
    return isinstance(value, Mapping)


def is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether this is a Sequence that is no text and no bytes."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray)


def is_class(value: object) -> TypeGuard[type[Any]]:
    """Whether this is a class."""
    return isinstance(value, type)
