"""Reads a Query's answer straight into Structs: msgspec decodes DynamoDB's JSON by types made for each shape, so that the thousands
of records of a long history never become dicts of dicts.

    class Record(Struct):              on the wire                            what is taken of it
        sk: str                        sk: {S: str}                           wire.sk.S
        epoch: int = 0                 epoch: {N: int} = {N: 0}               wire.epoch.N     N holds digits: read laxly
        undo: bool = False             undo: {BOOL: bool} = {BOOL: False}     wire.undo.BOOL
        value: Packed | None = None    value: {M: the same, of Packed}        a Packed of wire.value.M
        detail: dict[str, Any] = {}    detail: anything                       converted from what items.py makes of it
"""

import enum
import functools
import operator
import types
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

from milepost.aws.items import Attribute, Attributes, from_attribute
from milepost.narrowing import is_class

S = TypeVar("S")

Decoder: TypeAlias = Callable[[bytes], tuple[list[S], Attributes | None]]

_TYPES: Final[tuple[tuple[type[Any], str], ...]] = ((str, "S"), (bool, "BOOL"), (int, "N"), (bytes, "B"))
"""DynamoDB's types of what is taken as it is. bool comes before int, of which it is one. A float is not there: see items.py."""


class _Nested(NamedTuple):
    """How a field is made that is not taken as it is."""

    name: str
    place: str
    """Its name on the wire."""
    make: Callable[[Any], Any]
    """Of what stands on the wire."""


class _Shape(NamedTuple):
    """A Struct on the wire."""

    wire: type[Any]
    make: Callable[[Any], Any]
    """The Struct, of the one on the wire."""


def decoder_of(shape: type[S]) -> Decoder[S]:
    """Decodes a Query's answer to items in this shape, and its LastEvaluatedKey."""
    return _decoder_of(shape)  # type: ignore[arg-type]  # classes are hashable


@functools.cache
def _decoder_of(shape: type[Any]) -> Decoder[Any]:
    wire, make = _shape_of(shape)
    page = msgspec.defstruct("Page", [("Items", list[wire]), ("LastEvaluatedKey", Attributes | None, None)])  # type: ignore[valid-type]
    return functools.partial(_read, msgspec.json.Decoder(page, strict=False).decode, make)


def _read(decode: Callable[[bytes], Any], make: Callable[[Any], S], body: bytes) -> tuple[list[S], Attributes | None]:
    page = decode(body)
    return [make(wire) for wire in page.Items], page.LastEvaluatedKey


def _shape_of(shape: type[Any]) -> _Shape:
    plain: list[tuple[str, str]] = []
    nested: list[_Nested] = []
    on_the_wire: list[Any] = []
    for field in msgspec.structs.fields(shape):
        kind = _kind_of(field.type)
        struct = _struct_of(field.type)
        if kind is not None and field.default_factory is msgspec.NODEFAULT:
            plain.append((field.name, f"{field.encode_name}.{kind}"))
            on_the_wire.append((field.encode_name, *_attribute(kind, field)))
        elif struct is not None:
            inner = _shape_of(struct)
            nested.append(_Nested(field.name, field.encode_name, functools.partial(_made, inner.make)))
            on_the_wire.append((field.encode_name, _one("M", inner.wire | None, None) | None, None))
        else:
            nested.append(_Nested(field.name, field.encode_name, functools.partial(_converted, field.type)))
            on_the_wire.append((field.encode_name, Attribute | None, None))
    wire = msgspec.defstruct(f"{shape.__name__}OnTheWire", on_the_wire, kw_only=True, frozen=True, gc=False)
    return _Shape(wire, functools.partial(_make, shape, [name for name, _ in plain], _getter([path for _, path in plain]), nested))


def _make(shape: type[Any], names: Sequence[str], values: Callable[[Any], tuple[Any, ...]], nested: Sequence[_Nested], wire: Any) -> Any:
    fields = dict(zip(names, values(wire), strict=True))
    for name, place, make in nested:
        attribute = getattr(wire, place)
        if attribute is not None:
            fields[name] = make(attribute)
    return shape(**fields)


def _made(make: Callable[[Any], Any], attribute: Any) -> Any:
    return None if attribute.M is None else make(attribute.M)


def _converted(kind: Any, attribute: Attribute) -> Any:
    return msgspec.convert(from_attribute(attribute), kind, builtin_types=(bytes,))


def _getter(paths: Sequence[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(paths) > 1:
        return operator.attrgetter(*paths)
    get = [operator.attrgetter(path) for path in paths]
    return lambda wire: tuple(each(wire) for each in get)


def _attribute(kind: str, field: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    """The type of the attribute on the wire, with what stands for it when it is not there."""
    if field.required:
        return (_one(kind, field.type),)
    attribute = _one(kind, field.type, None) if _is_optional(field.type) else _one(kind, field.type)
    return attribute, attribute(**{kind: field.default})


def _one(kind: str, of: Any, *default: Any) -> Any:
    return msgspec.defstruct(f"Attribute{kind}", [(kind, of, *default)], frozen=True, gc=False)


def _kind_of(annotation: Any) -> str | None:
    """DynamoDB's type of a field that is taken as it is, None or not; None for any other field."""
    found = {_kind_of_one(each) for each in _alternatives(annotation)}
    return found.pop() if len(found) == 1 else None


def _kind_of_one(annotation: Any) -> str | None:
    if get_origin(annotation) is Literal:
        found = {_kind_of_one(type(each)) for each in get_args(annotation)}
        return found.pop() if len(found) == 1 else None
    if is_class(annotation) and issubclass(annotation, enum.Enum):
        return "S" if issubclass(annotation, str) else None
    return next((kind for of, kind in _TYPES if annotation is of), None)


def _struct_of(annotation: Any) -> type[Any] | None:
    """The Struct that a field holds, None or not."""
    found = _alternatives(annotation)
    return found[0] if len(found) == 1 and is_class(found[0]) and issubclass(found[0], msgspec.Struct) else None


def _alternatives(annotation: Any) -> list[Any]:
    """The types of a union but None."""
    members = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return [member for member in members if member is not type(None)]


def _is_optional(annotation: Any) -> bool:
    return len(_alternatives(annotation)) < len(get_args(annotation)) and get_origin(annotation) in (Union, types.UnionType)
