"""Where a value and its image differ, or what in it JSON cannot carry: the slow way, taken to explain a refusal.

Only called when the fast comparison fails, but for `native_problem`, which is the comparison of values without annotation.
"""

import dataclasses
import math
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from itertools import chain
from typing import Any, TypeGuard, cast

import msgspec

from milepost.codec.models import is_model
from milepost.narrowing import is_dict, is_mapping

_LONGEST = 60
_SCALARS = frozenset({str, int, bool, type(None)})
_NATIVE_CONTAINERS = frozenset({list, dict})
_LEAVES = (str, int, float, bool, type(None), Decimal, bytes, bytearray, Enum)


def found(value: object) -> str:
    """A value as shown in errors: short, with its type."""
    if value is None:
        return "null"
    text = repr(value)
    return f"{text if len(text) <= _LONGEST else text[:_LONGEST] + '...'} ({type(value).__qualname__})"


def _is_array(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, list | tuple)


def _is_set(value: object) -> TypeGuard[set[Any] | frozenset[Any]]:
    return isinstance(value, set | frozenset)


def _is_collection(value: object) -> TypeGuard[Collection[Any]]:
    return isinstance(value, list | tuple | set | frozenset)


def _at(path: str, problem: str) -> str:
    return f"{path.lstrip('.')}: {problem}" if path else problem


def native_problem(value: Any) -> str | None:
    """What in the value is no JSON type, or None. Iterative, so that depth is no matter; a container within itself is found."""
    pending: list[tuple[str, Any, tuple[int, ...]]] = [("", value, ())]
    while pending:
        path, current, above = pending.pop()
        kind = cast("type[Any]", type(current))
        if kind in _SCALARS:
            continue
        if kind is float:
            if not math.isfinite(current):
                return _at(path, f"found {current} (float), which is not finite")
            continue
        if kind not in _NATIVE_CONTAINERS:
            return _at(path, f"found {found(current)}")
        if id(current) in above:
            return _at(path, f"this {kind.__name__} contains itself")
        if kind is dict and not set(map(type, current)) <= {str}:
            key = next(key for key in current if type(key) is not str)
            return _at(path, f"found the key {found(key)}")
        if set(map(type, current.values() if kind is dict else current)) <= _SCALARS:
            continue
        parts = (
            ((f".{name}", part) for name, part in current.items()) if kind is dict else ((f"[{i}]", part) for i, part in enumerate(current))
        )
        within = (*above, id(current))
        pending.extend((path + step, part, within) for step, part in parts if type(part) not in _SCALARS)
    return None


def find_unsupported(value: Any, path: str, above: tuple[int, ...] = ()) -> str | None:
    """The first part of the value that JSON cannot carry, whatever the annotation: its path, and what it is."""
    if isinstance(value, float) and not math.isfinite(value):
        return _at(path, f"found {value} (float), which is not finite")
    if isinstance(value, Decimal) and not value.is_finite():
        return _at(path, f"found {value!r}, which is not finite")
    if id(value) in above:
        return _at(path, f"this {type(value).__qualname__} contains itself")
    if isinstance(value, _LEAVES):
        return None
    above = (*above, id(value))
    if is_mapping(value):
        for key, part in value.items():
            if not _is_key(key):
                return _at(path, f"found the key {found(key)}")
            problem = find_unsupported(part, f"{path}.{key}", above)
            if problem is not None:
                return problem
        return None
    if _is_collection(value):
        return _first(find_unsupported(part, f"{path}[{place}]", above) for place, part in enumerate(value))
    fields = _fields(value)
    if fields is not None:
        return _first(find_unsupported(part, f"{path}.{name}", above) for name, part in fields.items())
    return None if _encodes(value) else _at(path, f"found {found(value)}, a type that cannot be stored")


def _first(problems: Iterable[str | None]) -> str | None:
    return next((problem for problem in problems if problem is not None), None)


def _is_key(key: object) -> bool:
    if isinstance(key, float | Decimal | bool | tuple | frozenset) or key is None:
        return False
    return isinstance(key, str | int | Enum | bytes) or _encodes(key)


def _encodes(value: object) -> bool:
    try:
        msgspec.json.encode(value)
    except (TypeError, ValueError):
        return False
    return True


def _fields(value: Any) -> dict[str, Any] | None:
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if hasattr(value, field.name)}
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    return dict(value.__dict__) if is_model(value) else None


def difference(value: Any, again: Any, path: str) -> str | None:
    """Where ``again``, rebuilt from the JSON of ``value``, is not what ``value`` was; None when it is.

    A list for a tuple, a dict for another mapping and a float for an int count as the same: the annotation asked for them.
    """
    if type(value) is type(again):
        return _inner_difference(value, again, path)
    if _is_array(value) and _is_array(again):
        return _difference_of_parts(((f"[{i}]", part) for i, part in enumerate(value)), len(value), again, path)
    if is_mapping(value) and is_mapping(again):
        return _difference_of_maps(value, again, path)
    if _is_set(value) and _is_set(again):
        return None if value == again else _changed(value, again, path)
    if type(value) is int and isinstance(again, float | Decimal):
        return None if value == again else _changed(value, again, path)
    if (
        isinstance(value, str | int | bytes | bytearray)
        and isinstance(again, str | int | float | bytes | bytearray)
        and type(value) is not bool
    ):
        return None if value == again else _changed(value, again, path)
    if isinstance(value, float) and isinstance(again, float):
        return None
    return _at(path, f"found {found(value)}, which would read back as {type(again).__qualname__}")


def _changed(value: object, again: object, path: str) -> str:
    return _at(path, f"{found(value)} would read back as {found(again)}")


def _inner_difference(value: Any, again: Any, path: str) -> str | None:
    if is_dict(value):
        return _difference_of_maps(value, again, path)
    if _is_array(value):
        return _difference_of_parts(((f"[{i}]", part) for i, part in enumerate(value)), len(value), again, path)
    fields = _fields(value)
    if fields is None:
        return None if value == again else _changed(value, again, path)
    others = _fields(again) or {}
    return _first(difference(part, others.get(name), f"{path}.{name}") for name, part in fields.items())


def _difference_of_parts(parts: Iterable[tuple[str, Any]], count: int, again: Any, path: str) -> str | None:
    if count != len(again):
        return _at(path, f"{count} items would read back as {len(again)}")
    return _first(difference(part, other, path + step) for (step, part), other in zip(parts, again, strict=True))


def _difference_of_maps(value: Mapping[Any, Any], again: Mapping[Any, Any], path: str) -> str | None:
    for key in chain(value, again):
        if key not in again or key not in value:
            return _at(path, f"the key {found(key)} would not read back as it is")
    return _first(difference(part, again[key], f"{path}.{key}") for key, part in value.items())
