"""The fields of a class as they stand in JSON, and the type at the end of a path such as "customer.id".

One place that knows dataclasses, msgspec Structs, TypedDicts and pydantic models alike.
"""

import collections.abc
import dataclasses
import types
import typing
from typing import Annotated, Any, NewType, TypeVar, Union, get_args, get_origin

import msgspec

from milepost.codec.models import is_model_class, wire_fields
from milepost.narrowing import is_class

_WRAPPERS = (typing.Required, typing.NotRequired, typing.Final, typing.ClassVar)


def fields_of(cls: Any) -> dict[str, Any] | None:
    """Annotations by the names that the fields have in JSON; None for what has no fields of its own.

    An annotation that names something not known yet is left as the string it is.
    """
    origin = get_origin(cls) or cls
    if is_model_class(origin):
        return wire_fields(origin)
    if not is_class(origin):
        return None
    if dataclasses.is_dataclass(origin):
        hints = _hints(origin)
        return {field.name: _bare(hints[field.name]) for field in dataclasses.fields(origin)}
    if issubclass(origin, msgspec.Struct):
        hints = _hints(origin)
        names = zip(origin.__struct_fields__, origin.__struct_encode_fields__, strict=True)
        return {encoded: _bare(hints[name]) for name, encoded in names}
    if typing.is_typeddict(origin):
        return {name: _bare(hint) for name, hint in _hints(origin).items()}
    return None


def _hints(cls: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except NameError:
        return {name: hint for parent in reversed(cls.__mro__) for name, hint in getattr(parent, "__annotations__", {}).items()}


def _bare(annotation: Any) -> Any:
    """Without Required, NotRequired, ReadOnly, Final."""
    while get_origin(annotation) in _WRAPPERS or str(get_origin(annotation)).endswith(".ReadOnly"):
        (annotation,) = get_args(annotation)
    return annotation


def plain(annotation: Any) -> tuple[Any, ...]:
    """The members of an annotation: a union's without None, an Annotated's and a NewType's inside; itself otherwise."""
    if isinstance(annotation, NewType):
        return plain(annotation.__supertype__)
    if hasattr(annotation, "__value__"):  # `type X = ...` of Python 3.12
        return plain(annotation.__value__)
    origin = get_origin(annotation)
    if origin is Annotated:
        return plain(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return tuple(part for member in get_args(annotation) for part in plain(member) if part is not type(None))
    return (_bare(annotation),)


class UnknownPath(Exception):
    """A path that leads nowhere: ``step`` is the name that is not there, ``known`` what is."""

    def __init__(self, step: str, within: Any, known: tuple[str, ...]) -> None:
        super().__init__(step)
        self.step = step
        self.within = within
        self.known = known


def path_type(cls: Any, path: str, *, into_items: bool = False) -> Any:
    """The annotation at a field path of a class; Any where the way leads through something untyped.

    ``into_items``: a name after a list is a field of its items. Raises UnknownPath for a name that is not a field.
    """
    annotation = cls
    for name in path.split("."):
        annotation = _step_into(annotation, name, into_items=into_items)
    return annotation


def _step_into(annotation: Any, name: str, *, into_items: bool) -> Any:
    known: list[str] = []
    for member in plain(annotation):
        if member is Any or member is object or isinstance(member, str | TypeVar | typing.ForwardRef):
            return Any
        if into_items and _is_collection(get_origin(member)):
            return _step_into(get_args(member)[0], name, into_items=True)
        if member is dict or _is_mapping(get_origin(member)):
            return get_args(member)[1] if len(get_args(member)) > 1 else Any
        fields = fields_of(member) or {}
        if name in fields:
            return fields[name]
        known.extend(fields)
    raise UnknownPath(name, annotation, tuple(known))


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, collections.abc.Mapping)


def _is_collection(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, collections.abc.Collection) and not _is_mapping(origin)
