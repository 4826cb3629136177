"""Reads a Query's answer straight into Structs: msgspec decodes DynamoDB's JSON by types made for each shape, so that the thousands
of records of a long history never become dicts of dicts.

    class Record(Struct):              on the wire                            what is taken of it
        sk: str                        sk: {S: str}                           wire.sk.S
        epoch: int = 0                 epoch: {N: int} = {N: 0}               wire.epoch.N     N holds digits: read laxly
        undo: bool = False             undo: {BOOL: bool} = {BOOL: False}     wire.undo.BOOL
        value: Packed | None = None    value: {M: the same, of Packed}        a Packed made of wire.value.M
        detail: dict[str, Any] = {}    detail: anything                       converted from what items.py makes of it
"""

import enum
import functools
import types
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

from milepost.aws.items import Attribute, Attributes, from_attribute
from milepost.narrowing import is_class

S = TypeVar("S")

Decoder: TypeAlias = Callable[[bytes], tuple[list[S], Attributes | None]]

_TYPES: Final[tuple[tuple[type[Any], str], ...]] = ((str, "S"), (bool, "BOOL"), (int, "N"), (bytes, "B"))
"""DynamoDB's types of what is taken as it is. bool comes before int, of which it is one. A float is not there: see items.py."""


def decoder_of(shape: type[S]) -> Decoder[S]:
    """Decodes a Query's answer to items in this shape, and its LastEvaluatedKey."""
    return _decoder_of(shape)  # type: ignore[arg-type]  # classes are hashable


@functools.cache
def _decoder_of(shape: type[Any]) -> Decoder[Any]:
    used: dict[str, Any] = {}
    wire, made = _wired(shape, "wire", used)
    page = msgspec.defstruct("Page", [("Items", list[wire]), ("LastEvaluatedKey", Attributes | None, None)])  # type: ignore[valid-type]
    # One call with all keywords written out, as dataclasses make their __init__: a third of the time of collecting them in a dict.
    # The text is made of names that stand in this module, and of the names of the shape's own fields.
    make = eval(f"lambda wire: {made}", used)  # noqa: S307
    return functools.partial(_read, msgspec.json.Decoder(page, strict=False).decode, make)


def _read(decode: Callable[[bytes], Any], make: Callable[[Any], S], body: bytes) -> tuple[list[S], Attributes | None]:
    page = decode(body)
    return [make(wire) for wire in page.Items], page.LastEvaluatedKey


def _wired(shape: type[Any], place: str, used: dict[str, Any]) -> tuple[type[Any], str]:
    """The shape on the wire, and the expression that makes one of what stands at ``place``; what it refers to goes into ``used``."""
    on_the_wire, keywords = list[Any](), list[str]()
    fields = msgspec.structs.fields(shape)
    for number, field in enumerate(fields):
        there = f"{place}.f{number}"
        kind, struct = _kind_of(field.type), _struct_of(field.type)
        if kind is not None and field.default_factory is msgspec.NODEFAULT:
            on_the_wire.append((f"f{number}", *_attribute(kind, field)))
            made = f"{there}.{kind}"
        elif struct is not None:
            inner, made = _wired(struct, f"{there}.M", used)
            on_the_wire.append((f"f{number}", _one("M", inner | None, None) | None, None))
            made = f"{_absent(field, used)} if {there} is None else None if {there}.M is None else {made}"
        else:
            on_the_wire.append((f"f{number}", Attribute | None, None))
            convert = _refer(functools.partial(_converted, field.type), used)
            made = f"{_absent(field, used)} if {there} is None else {convert}({there})"
        keywords.append(f"{field.name}={made}")
    names = {f"f{number}": field.encode_name for number, field in enumerate(fields)}
    wire = msgspec.defstruct(f"{shape.__name__}OnTheWire", on_the_wire, rename=names, kw_only=True, frozen=True, gc=False)
    return wire, f"{_refer(shape, used)}({', '.join(keywords)})"


def _refer(value: Any, used: dict[str, Any]) -> str:
    """The name by which an expression refers to the value."""
    name = f"used{len(used)}"
    used[name] = value
    return name


def _absent(field: msgspec.structs.FieldInfo, used: dict[str, Any]) -> str:
    """The expression for a field whose attribute is not there."""
    if field.default_factory is not msgspec.NODEFAULT:
        return f"{_refer(field.default_factory, used)}()"
    if field.default is not msgspec.NODEFAULT:
        return _refer(field.default, used)
    return f"{_refer(functools.partial(_missing, field.encode_name), used)}()"


def _missing(name: str) -> Any:
    raise msgspec.ValidationError(f"Object missing required field `{name}`")


def _converted(kind: Any, attribute: Attribute) -> Any:
    return msgspec.convert(from_attribute(attribute), kind, builtin_types=(bytes,))


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
