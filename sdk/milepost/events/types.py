"""`EventType`: a registered event class, its name and its keys, with the way of its data to JSON and back.

Data that does not fit its class never gets past here, in either direction; the error says which field, and what was found.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, get_args, get_origin

import msgspec

from milepost.codec import Codec, UnresolvedAnnotationError
from milepost.errors import CodecError, DefinitionError, EventError, UsageError
from milepost.events.base import CRON_TICK_NAME, CronTick
from milepost.fields import fields_of, plain
from milepost.narrowing import is_class

E = TypeVar("E")

KeyValue: TypeAlias = str | int | float | bool
"""The value of a key. Never None: None is not findable."""

MAX_EVENT_BYTES: Final = 1_000_000
"""Of the data as JSON: EventBridge takes 1 MB with the envelope (PutEvents, read 2026-11-22)."""

MAX_NAME: Final = 128
"""Characters of an event's name: EventBridge's detail-type (read 2026-11-22)."""

MAX_SOURCE: Final = 256
"""Characters of an event's source (EventBridge API reference, PutEvents, read 2026-11-23)."""

AWS_SOURCES: Final = "aws."
"""Before the source of each AWS service's events; PutEvents refuses them."""

MAX_KEYS: Final = 4
_RESERVED_KEYS = ("timeout", "where", "lookback")

_LEAST: Final = -(2**63)
_MOST: Final = 2**63 - 1
"""Integers that an event may hold (EventBridge API reference, PutEvents, read 2026-11-23)."""

_LONG_NUMBER: Final = re.compile(rb"[0-9]{19}")

_PARTS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def canonical_key(value: KeyValue) -> str:
    """A key's value as text that tells its type: "s:7" for "7", "i:7" for 7, "f:1.5" for 1.5, "b:true" for True."""
    if isinstance(value, Enum):
        return canonical_key(value.value)
    if isinstance(value, str):
        return f"s:{value}"
    if isinstance(value, bool):
        return "b:true" if value else "b:false"
    return f"i:{value}" if isinstance(value, int) else f"f:{value + 0.0!r}"  # + 0.0: -0.0 and 0.0 are one value


@dataclass(frozen=True)
class EventType(Generic[E]):
    """An event class as an app knows it. Compared by name, class, keys and source."""

    name: str
    cls: type[E]
    keys: tuple[str, ...] = ()
    source: str | None = None
    """Who sends it; None: anybody."""

    @property
    def is_of_aws(self) -> bool:
        """An AWS service sends it, to the account's default bus, and nobody else may."""
        return self.source is not None and self.source.startswith(AWS_SOURCES)

    @property
    def pattern(self) -> dict[str, Any]:
        """The EventBridge pattern of these events."""
        return {"detail-type": [self.name]} if self.source is None else {"source": [self.source], "detail-type": [self.name]}

    @cached_property
    def codec(self) -> Codec:
        """Of the class. Raises EventError for a field that cannot be stored, or whose annotation is not known."""
        try:
            return Codec.of(self.cls)
        except CodecError as error:
            raise EventError(f"{self.name!r} events cannot be sent or received: {error}") from error

    @cached_property
    def _kinds(self) -> dict[str, frozenset[str]]:
        fields = fields_of(self.cls) or {}
        return {key: key_kinds(fields[key]) or frozenset() for key in self.keys}

    def encode(self, data: E) -> bytes:
        """The data as a JSON object. Raises EventError saying which field does not fit its type, and what was found there."""
        codec = self.codec
        try:
            raw = codec.encode(data, self.name)
        except CodecError as error:
            raise EventError(f"this {type(data).__qualname__} is no valid {self.name!r} event ({codec.name}): {error.problem}") from error
        if len(raw) > MAX_EVENT_BYTES:
            raise EventError(
                f"this {self.name!r} event has {len(raw):,} bytes as JSON, {MAX_EVENT_BYTES:,} are the most; send a reference instead"
            )
        if _LONG_NUMBER.search(raw) is not None:
            self._check_integers(raw)
        return raw

    def _check_integers(self, raw: bytes) -> None:
        for digits in _integers(raw):
            if not _LEAST <= int(digits) <= _MOST:
                raise EventError(
                    f"this {self.name!r} event holds the integer {digits}, and EventBridge takes integers of 64 bits: send it as a str"
                )

    def decode(self, raw: bytes | str) -> E:
        """The data rebuilt. Raises EventError saying which field does not fit its type, and what was found there."""
        codec = self.codec
        try:
            data: E = codec.decode(raw, self.name)
        except CodecError as error:
            raise EventError(f"this {self.name!r} event is no valid {codec.name}: {error.problem}") from error
        return data

    def key_values(self, raw: bytes | str) -> dict[str, KeyValue]:
        """The declared keys that are in this data and not None. Raises EventError when it is no JSON object."""
        try:
            parts = _PARTS.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EventError(f"the data of this {self.name!r} event is no JSON object: {error}") from error
        found: dict[str, KeyValue] = {}
        for key in self.keys:
            value = msgspec.json.decode(parts[key]) if key in parts else None
            if isinstance(value, str | int | float):  # anything else is not findable
                found[key] = self._typed(key, value)
        return found

    def check_keys(self, keys: Mapping[str, Any]) -> dict[str, KeyValue]:
        """The keys of a wait as they are stored. Raises UsageError for none at all, an unknown one, None, or one of another type."""
        if not keys:
            raise UsageError(f"a wait for {self.name!r} needs at least one of its keys: {', '.join(f'{key}=...' for key in self.keys)}")
        return {key: self.check_key(key, value) for key, value in keys.items()}

    def check_key(self, key: str, value: Any) -> KeyValue:
        """One key of a wait as it is stored. Raises UsageError."""
        if key not in self.keys:
            raise UsageError(f"{key!r} is not a key of {self.name!r}; its keys are {', '.join(self.keys) or 'none'}")
        given = value.value if isinstance(value, Enum) else value
        kinds = self._kinds[key]
        if isinstance(given, str | int | float) and (not kinds or _kind(given) in kinds or (_kind(given) == "int" and "float" in kinds)):
            if isinstance(given, float) and not math.isfinite(given):
                raise UsageError(f"{key}={given} can never be found: give a finite number")
            return self._typed(key, given)
        raise UsageError(
            f"{key} of {self.name!r} is {' or '.join(sorted(kinds)) or 'a JSON scalar'}, not {value!r} ({type(value).__name__})"
        )

    def _typed(self, key: str, value: KeyValue) -> KeyValue:
        """An int is the float that it stands for where the key is a float."""
        kinds = self._kinds[key]
        return float(value) if type(value) is int and "float" in kinds and "int" not in kinds else value


def _integers(raw: bytes) -> list[str]:
    """The numbers in a JSON text that are written as integers."""
    import json  # here: hardly any event has a number that long, and json takes its time to load

    found: list[str] = []
    json.loads(raw, parse_int=found.append, parse_float=str)
    return found


def _kind(value: object) -> str:
    return next(kind.__name__ for kind in (bool, str, int, float) if isinstance(value, kind))


def key_kinds(annotation: Any) -> frozenset[str] | None:
    """The JSON scalars that values of this annotation are; empty for an annotation that is not known yet; None if it may be more."""
    kinds: set[str] = set()
    for member in plain(annotation):
        if isinstance(member, str):
            return frozenset()
        if get_origin(member) is Literal:
            kinds.update(_kind(value.value if isinstance(value, Enum) else value) for value in get_args(member) if value is not None)
        elif isinstance(member, type) and issubclass(member, Enum):
            values = [choice.value for choice in member]
            if not all(isinstance(value, str | int) for value in values):
                return None
            kinds.update(_kind(value) for value in values)
        elif member in (str, int, float, bool):
            kinds.add(member.__name__)
        else:
            return None
    return frozenset(kinds)


def make_event_type(name: str, cls: type[E], keys: tuple[str, ...], source: str | None = None) -> EventType[E]:
    """A checked EventType. Raises DefinitionError for a bad name or source, a class that is no JSON object, and keys that cannot be."""
    check_name(name)
    check_source(name, source)
    fields = fields_of(cls)
    where = f"@app.event({name!r}) on {cls.__qualname__}"
    if fields is None:
        raise DefinitionError(
            f"{where}: an event is a class with fields: an Event, a dataclass, msgspec.Struct, TypedDict or pydantic model"
        )
    if issubclass(cls, msgspec.Struct) and cls.__struct_config__.array_like:
        raise DefinitionError(f"{where}: an event is a JSON object; this Struct has array_like=True")
    if len(keys) > MAX_KEYS:
        raise DefinitionError(f"{where}: {len(keys)} keys, {MAX_KEYS} are the most")
    for key in keys:
        _check_key_field(where, key, keys, fields)
    _check_fields(where, cls)
    return EventType(name, cls, keys, source)


def _check_fields(where: str, cls: Any) -> None:
    """At once, so that a field that cannot be stored is an import error; a name that the module defines later is left for later."""
    try:
        Codec.of(cls)
    except UnresolvedAnnotationError:
        pass
    except CodecError as error:
        raise DefinitionError(f"{where}: {error}") from error


def make_plain_class_a_dataclass(name: str, cls: object) -> None:
    """A class without fields of its own kind becomes a frozen, kw-only dataclass, in place. Raises DefinitionError for no class."""
    if not is_class(cls):
        raise DefinitionError(f"@app.event({name!r}) stands above a class, not {cls!r}")
    if fields_of(cls) is None and cls.__mro__[1:] == (object,) and cls.__module__ != "builtins":
        dataclass(frozen=True, kw_only=True)(cls)


def check_name(name: object) -> None:
    """Raises DefinitionError for what cannot be an event's name."""
    if not isinstance(name, str):
        raise DefinitionError(f'@app.event({name!r}): give the event a name: @app.event("shop/order.placed")')
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise DefinitionError(f"@app.event({name!r}): a name has 1 to {MAX_NAME} printable characters, none of them a space at either end")
    if name.startswith("milepost/"):
        raise DefinitionError(f"@app.event({name!r}): names that begin with milepost/ are milepost's own")


def check_source(name: str, source: object) -> None:
    """Raises DefinitionError for what cannot be the source of events."""
    if source is None:
        return
    if not isinstance(source, str) or not 1 <= len(source) <= MAX_SOURCE or not source.isprintable() or source != source.strip():
        raise DefinitionError(
            f'@app.event({name!r}, source={source!r}): a source has 1 to {MAX_SOURCE} printable characters: "aws.s3", or what the sender '
            "puts into the event's source field"
        )


def _check_key_field(where: str, key: Any, keys: tuple[str, ...], fields: Mapping[str, Any]) -> None:
    if key not in fields:
        raise DefinitionError(f"{where}: the key {key!r} is not a field; the fields are {', '.join(fields) or 'none'}")
    if keys.count(key) > 1:
        raise DefinitionError(f"{where}: the key {key!r} is given twice")
    if key in _RESERVED_KEYS:
        raise DefinitionError(f"{where}: a key cannot be called {key!r}, which is an option of step.wait_for_event; rename the field")
    if not key.isidentifier():
        raise DefinitionError(f"{where}: the key {key!r} cannot be given as a keyword to step.wait_for_event; rename the field")
    if key_kinds(fields[key]) is None:
        raise DefinitionError(
            f"{where}: the key {key!r} is a {fields[key]}; keys are str, int, float, bool, or Literal or Enum of str and int"
        )


CRON_TICK: Final = EventType(CRON_TICK_NAME, CronTick)
"""The type of every cron trigger's event."""
