"""What an annotation is made of: is it one that JSON can carry, and does it hold pydantic models.

Looked at once per annotation, so that an unsupported type is an error where it is written and not where it is first used.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, NoReturn

import msgspec
from msgspec import inspect as types_of

from milepost.codec.models import is_model_class
from milepost.errors import CodecError
from milepost.narrowing import is_sequence


class UnresolvedAnnotationError(CodecError):
    """An annotation names something that is not known where it stands, or not yet."""


class Shape(msgspec.Struct, frozen=True):
    """Facts about an annotation."""

    has_models: bool
    is_loose: bool
    """Holds numbers that are no ints, or anything at all: there values of another type may be equal to what they read back as."""


_KEYS = (
    types_of.StrType,
    types_of.IntType,
    types_of.EnumType,
    types_of.LiteralType,
    types_of.UUIDType,
    types_of.DateTimeType,
    types_of.DateType,
    types_of.TimeType,
    types_of.TimeDeltaType,
    types_of.BytesType,
    types_of.AnyType,
)


def annotation_name(annotation: Any) -> str:
    """An annotation as a person writes it."""
    if annotation is None or annotation is type(None):
        return "None"
    return (
        annotation.__qualname__
        if isinstance(annotation, type) and not hasattr(annotation, "__args__")
        else str(annotation).replace("typing.", "")
    )


def shape_of(annotation: Any) -> Shape:
    """Raises CodecError naming the part of the annotation that cannot be stored."""
    try:
        info = types_of.type_info(annotation)
    except NameError as error:
        raise UnresolvedAnnotationError(
            f"{annotation_name(annotation)}: the name {error.name!r} in its annotations is not known in its module"
        ) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise CodecError(f"{annotation_name(annotation)} cannot be stored: {error}") from error
    has_models = is_loose = False
    for part in _parts(info, set()):
        match part:
            case types_of.CustomType(cls=cls) if is_model_class(cls):
                has_models = is_loose = True
            case types_of.AnyType() | types_of.FloatType() | types_of.DecimalType():
                is_loose = True
            case types_of.CustomType(cls=cls) if cls is object:
                is_loose = True
            case types_of.CustomType(cls=cls):
                _refuse(annotation, f"{cls.__module__}.{cls.__qualname__} is none of the supported types")
            case types_of.RawType() | types_of.ExtType() | types_of.MemoryViewType():
                _refuse(annotation, "it holds a type that no value can be rebuilt as")
            case types_of.DictType(key_type=key) if not all(isinstance(kind, _KEYS) for kind in _members(key)):
                _refuse(annotation, "keys of a dict are str, int, Enum, UUID, date, time, datetime, timedelta or bytes")
            case _:
                pass
    return Shape(has_models=has_models, is_loose=is_loose)


def _refuse(annotation: Any, why: str) -> NoReturn:
    raise CodecError(f"{annotation_name(annotation)} cannot be stored: {why}")


def _members(kind: types_of.Type) -> tuple[types_of.Type, ...]:
    return kind.types if isinstance(kind, types_of.UnionType) else (kind,)


def _parts(info: Any, seen: set[int]) -> Iterator[types_of.Type]:
    """The type and all that it is made of, each once."""
    if id(info) in seen:
        return
    seen.add(id(info))
    if isinstance(info, types_of.Type):
        yield info
    if is_sequence(info):
        for part in info:
            yield from _parts(part, seen)
    elif isinstance(info, types_of.Type | types_of.Field):
        for name in _field_names(info):
            part = getattr(info, name)
            if isinstance(part, types_of.Type | types_of.Field | tuple):
                yield from _parts(part, seen)


def _field_names(info: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(info)) if dataclasses.is_dataclass(info) else info.__struct_fields__
