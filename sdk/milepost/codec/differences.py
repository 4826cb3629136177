"""Where a value and its image differ, or what in it JSON cannot carry: the slow way, taken where `==` cannot tell.

`==` takes Decimal("1.5") for 1.5; what is refused must not depend on whether a number happens to be a binary fraction.
"""

import dataclasses
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple, TypeGuard

import msgspec

from milepost.codec.models import is_model_class
from milepost.narrowing import is_dict, is_mapping

MAX_DEPTH = 500
"""Containers within containers, where no annotation bounds them."""

_LONGEST = 60
_SCALARS = frozenset({str, int, bool, type(None)})
_NATIVE_CONTAINERS = frozenset({list, dict})
_LEAVES = (str, int, float, bool, type(None), Decimal, bytes, bytearray, Enum)
_SAME = frozenset({str, int, bool, type(None), float, Decimal, bytes})


_kind_of: Callable[[object], Any] = type
"""`type`, whose answer type checkers are not to narrow by."""


class Problem(NamedTuple):
    """What is wrong, and where: the path is put together on the way back, so that it costs nothing where all is well."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path.lstrip('.')}: {self.what}" if self.path else self.what

    def under(self, step: str) -> "Problem":
        return Problem(step + self.path, self.what)


def found(value: object) -> str:
    """A value as shown in errors: short, with its type. Never raises."""
    if value is None:
        return "null"
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a user's __repr__ may raise anything, a huge int has none, a deep list recurses
        return f"a value that has no repr() ({type(value).__qualname__})"
    return f"{text if len(text) <= _LONGEST else text[:_LONGEST] + '...'} ({type(value).__qualname__})"


def native_problem(value: Any) -> Problem | None:
    """What in the value is no JSON type, or None."""
    return None if type(value) in _SCALARS else _native_problem(value, 0)


def _native_problem(value: Any, depth: int) -> Problem | None:
    kind = _kind_of(value)
    if kind is float:
        return None if math.isfinite(value) else Problem("", f"found {value} (float), which is not finite")
    if kind not in _NATIVE_CONTAINERS:
        return Problem("", f"found {found(value)}")
    if depth > MAX_DEPTH:
        return Problem("", "it contains itself, or is nested too deeply")
    if kind is dict and not set(map(type, value)) <= {str}:
        return Problem("", f"found the key {found(next(key for key in value if type(key) is not str))}")
    if set(map(type, value.values() if kind is dict else value)) <= _SCALARS:
        return None
    for step, part in value.items() if kind is dict else enumerate(value):
        if type(part) not in _SCALARS:
            problem = _native_problem(part, depth + 1)
            if problem is not None:
                return problem.under(f".{step}" if kind is dict else f"[{step}]")
    return None


def find_unsupported(value: Any, above: tuple[int, ...] = ()) -> Problem | None:
    """The first part of the value that JSON cannot carry, whatever the annotation."""
    if (isinstance(value, float) and not math.isfinite(value)) or (isinstance(value, Decimal) and not value.is_finite()):
        return Problem("", f"found {value} ({type(value).__qualname__}), which is not finite")
    if isinstance(value, _LEAVES):
        return None
    if id(value) in above or len(above) > MAX_DEPTH:
        return Problem("", f"this {type(value).__qualname__} contains itself, or is nested too deeply")
    above = (*above, id(value))
    if is_mapping(value):
        for key, part in value.items():
            problem = find_unsupported(part, above) if _is_key(key) else Problem("", f"found the key {found(key)}")
            if problem is not None:
                return problem.under(f".{key}") if _is_key(key) else problem
        return None
    if _is_collection(value):
        return _first((f"[{place}]", find_unsupported(part, above)) for place, part in enumerate(value))
    names = _field_names(_kind_of(value))
    if names is not None:
        return _first((f".{name}", find_unsupported(getattr(value, name, None), above)) for name in names)
    return None if _encodes(value) else Problem("", f"found {found(value)}, a type that cannot be stored")


def _first(problems: Iterable[tuple[str, Problem | None]]) -> Problem | None:
    return next((problem.under(step) for step, problem in problems if problem is not None), None)


def _is_array(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    return isinstance(value, list | tuple)


def _is_set(value: object) -> TypeGuard[set[Any] | frozenset[Any]]:
    return isinstance(value, set | frozenset)


def _is_collection(value: object) -> TypeGuard[Collection[Any]]:
    return isinstance(value, list | tuple | set | frozenset)


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


@lru_cache(maxsize=1_024)
def _field_names(cls: type[Any]) -> tuple[str, ...] | None:
    if dataclasses.is_dataclass(cls):
        return tuple(field.name for field in dataclasses.fields(cls))
    if issubclass(cls, msgspec.Struct):
        return cls.__struct_fields__
    return tuple(cls.model_fields) if is_model_class(cls) else None


def difference(value: Any, again: Any) -> Problem | None:
    """Where ``again``, rebuilt from the JSON of ``value``, is not what ``value`` was; None when it is.

    A list for a tuple, a dict for another mapping and a float for an int count as the same: the annotation asked for them.
    """
    kind = _kind_of(value)
    if kind is not _kind_of(again):
        return _difference_of_kinds(value, again)
    if kind in _SAME:
        return None if value == again else _changed(value, again)
    if is_dict(value):
        return _difference_of_maps(value, again)
    if _is_array(value):
        return _difference_of_arrays(value, again)
    names = _field_names(kind)
    if names is None:
        return None if value == again else _changed(value, again)
    for name in names:
        problem = difference(getattr(value, name, None), getattr(again, name, None))
        if problem is not None:
            return problem.under(f".{name}")
    return None


def _difference_of_kinds(value: Any, again: Any) -> Problem | None:
    if _is_array(value) and _is_array(again):
        return _difference_of_arrays(value, again)
    if is_mapping(value) and is_mapping(again):
        return _difference_of_maps(value, again)
    if (_is_set(value) and _is_set(again)) or _is_looser(value, again):
        return None if value == again else _changed(value, again)
    if isinstance(value, float) and isinstance(again, float):  # how a float was written, kept beside a pydantic model
        return None
    return Problem("", f"found {found(value)}, which would read back as {type(again).__qualname__}")


def _is_looser(value: Any, again: Any) -> bool:
    """Whether the annotation names the wider of two types that are one value: float for int, str for StrEnum, bytes for bytearray."""
    if type(value) is int:
        return isinstance(again, float | Decimal)
    return isinstance(value, str | int | bytearray) and not isinstance(value, bool) and isinstance(again, str | int | bytes)


def _changed(value: object, again: object) -> Problem:
    return Problem("", f"{found(value)} would read back as {found(again)}")


def _difference_of_arrays(value: Any, again: Any) -> Problem | None:
    if len(value) != len(again):
        return Problem("", f"{len(value)} items would read back as {len(again)}")
    for place, (part, other) in enumerate(zip(value, again, strict=True)):
        problem = difference(part, other)
        if problem is not None:
            return problem.under(f"[{place}]")
    return None


def _difference_of_maps(value: Mapping[Any, Any], again: Mapping[Any, Any]) -> Problem | None:
    for key, part in value.items():
        if key not in again:
            return Problem("", f"the key {found(key)} would not read back as it is")
        problem = difference(part, again[key])
        if problem is not None:
            return problem.under(f".{key}")
    return None
