"""Pydantic models as JSON and back. Pydantic is never imported here: whoever has a model has imported it.

Pydantic writes a Decimal as a string, and reads one from a JSON number by way of a float. Milepost's rule is that a
Decimal is a JSON number and reads back exactly, so both ways are mended here, along the fields' annotations.
"""

import sys
import types
from collections.abc import Hashable
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, TypeGuard, Union, cast, get_args, get_origin

import msgspec

from milepost.narrowing import is_dict, is_list, is_mapping, is_sequence


class NumberText(float):
    """A float that remembers how it was written."""

    __slots__ = ("text",)
    text: str

    @classmethod
    def read(cls, text: str) -> "NumberText":
        number = cls(text)
        number.text = text
        return number


def is_model(value: object) -> bool:
    """Whether this is an instance of a pydantic model."""
    return is_model_class(type(value))


def is_model_class(cls: object) -> TypeGuard[type[Any]]:
    """Whether this is a pydantic model."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(cls, type) and issubclass(cls, pydantic.BaseModel)


def dump(model: Any) -> Any:
    """A model as JSON types, its Decimals kept."""
    return _with_decimals(model.model_dump(mode="json", by_alias=True, warnings=False), model.model_dump(by_alias=True, warnings=False))


def _with_decimals(written: Any, value: Any) -> Any:
    if isinstance(value, Decimal) and isinstance(written, str) and value.is_finite():
        return value
    if is_dict(written) and is_mapping(value) and len(written) == len(value):
        return {key: _with_decimals(part, original) for (key, part), original in zip(written.items(), value.values(), strict=True)}
    if is_list(written) and is_sequence(value) and len(written) == len(value):
        return [_with_decimals(part, original) for part, original in zip(written, value, strict=True)]
    return written


def load(cls: Any, value: Any) -> Any:
    """A model from JSON types whose floats are NumberText. Raises ValueError (pydantic's ValidationError)."""
    return cls.model_validate_json(_ENCODER.encode(_for_decimals(cls, value)))


def problem(error: ValueError) -> str:
    """The first complaint of pydantic, in a line."""
    errors: Any = getattr(error, "errors", None)
    if not callable(errors):
        return str(error)
    first: dict[str, Any] = cast("Any", errors)()[0]
    path = ".".join(str(part) for part in first["loc"])
    return f"{path}: {first['msg']}" if path else str(first["msg"])


def number_text(value: object) -> Any:
    """The enc_hook for NumberText."""
    if isinstance(value, NumberText):
        return msgspec.Raw(value.text.encode())
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


_ENCODER = msgspec.json.Encoder(enc_hook=number_text, decimal_format="number")


def _for_decimals(annotation: Any, value: Any) -> Any:
    """The value with each number that is to be a Decimal as a string, which pydantic reads exactly."""
    if isinstance(value, NumberText):
        return value.text if _is_decimal(annotation) else value
    if is_dict(value) and _mentions_decimal(annotation):
        return _object_for_decimals(annotation, value)
    if is_list(value) and _mentions_decimal(annotation):
        return _array_for_decimals(annotation, value)
    return value


def _object_for_decimals(annotation: Any, value: dict[str, Any]) -> dict[str, Any]:
    if is_model_class(annotation):
        names = wire_fields(annotation)
        return {key: _for_decimals(names.get(key), part) for key, part in value.items()}
    for member in _members(annotation):
        value = _for_decimals(member, value)
    args = get_args(annotation)
    return value if _members(annotation) else {key: _for_decimals(args[-1], part) for key, part in value.items()}


def _array_for_decimals(annotation: Any, value: list[Any]) -> list[Any]:
    for member in _members(annotation):
        value = _for_decimals(member, value)
    args = get_args(annotation)
    if _members(annotation) or not args:
        return value
    if get_origin(annotation) is tuple and args[-1] is not Ellipsis:
        return [_for_decimals(args[min(place, len(args) - 1)], part) for place, part in enumerate(value)]
    return [_for_decimals(args[0], part) for part in value]


def _members(annotation: Any) -> tuple[Any, ...]:
    """Of a union, or the one inside Annotated; none otherwise."""
    origin, args = get_origin(annotation), get_args(annotation)
    return args[:1] if origin is Annotated else args if origin in _UNIONS else ()


_UNIONS = (Union, types.UnionType)


def _wire_name(name: str, field: Any) -> str:
    return field.validation_alias if isinstance(field.validation_alias, str) else field.alias or name


def wire_fields(cls: Any) -> dict[str, Any]:
    """The fields of a model by their names in JSON, with their annotations."""
    return {_wire_name(name, field): field.annotation for name, field in cls.model_fields.items()}


def _is_decimal(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_decimal(get_args(annotation)[0])
    return annotation is Decimal or (get_origin(annotation) in _UNIONS and any(_is_decimal(member) for member in get_args(annotation)))


def _mentions_decimal(annotation: Any) -> bool:
    if is_model_class(annotation):
        cls: Any = annotation
        found: bool = _model_mentions_decimal(cls)
        return found
    return annotation is Decimal or any(_mentions_decimal(part) for part in get_args(annotation))


@lru_cache(maxsize=1_024)
def _model_mentions_decimal(cls: Hashable) -> bool:
    return _search(cls, set())


def _search(annotation: Any, seen: set[Any]) -> bool:
    if not is_model_class(annotation):
        return annotation is Decimal or any(_search(part, seen) for part in get_args(annotation))
    if annotation in seen:
        return False
    seen.add(annotation)
    return any(_search(field.annotation, seen) for field in annotation.model_fields.values())
