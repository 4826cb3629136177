"""Durable functions as an app knows them: definitions, and the registry of one app's events and functions.

A definition is data: nothing here runs a body. Definitions are made by `milepost.registration`, from what a user writes.
"""

import functools
import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar, cast

from milepost.codec import Codec, first_parameter_codec, return_codec
from milepost.errors import CodecError, DefinitionError, EventError, FunctionNotFound
from milepost.events import CRON_TICK, Cron, CronTick, EventType
from milepost.options import Retry

E_contra = TypeVar("E_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


def is_async(fn: Callable[..., Any]) -> bool:
    """Whether a call returns a coroutine: an ``async def``, a method or partial of one, or an object whose ``__call__`` is one."""
    return inspect.iscoroutinefunction(fn) or inspect.iscoroutinefunction(getattr(type(fn), "__call__", None))  # noqa: B004 - the method is wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class TriggerDefinition:
    """One thing that starts a function: an event, filtered or not, or a cron."""

    event: EventType[Any]
    where: Mapping[str, Any] | None = None
    cron: Cron | None = None

    def pattern(self) -> dict[str, Any]:
        """The EventBridge pattern of the events that start the function. A cron has none: it is a schedule (ValueError)."""
        if self.cron is not None:
            raise ValueError(f"{self.cron.expression!r} is a schedule, no pattern")
        pattern = self.event.pattern
        return pattern if self.where is None else {**pattern, "detail": dict(self.where)}


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelDefinition:
    """An event that cancels runs: each of its keys must equal what stands at a field path of the run's own event."""

    event: EventType[Any]
    match: Mapping[str, str]
    """Field path in the trigger event, by key of the cancelling event."""
    within: timedelta | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class FunctionDefinition:
    """A durable function, or a handler of one."""

    name: str
    body: Callable[..., Any]
    triggers: tuple[TriggerDefinition, ...] = ()
    decodes: tuple[EventType[Any], ...] = ()
    """The types of the events that the body takes: those of its triggers; for a handler those of the function it handles."""
    data_body: Callable[..., Any] | None = None
    """Whose first parameter says what the data are when no event type does: that of the body, or of the handled function's."""
    retry: Retry = Retry()  # noqa: RUF009 - frozen
    cancel_on: tuple[CancelDefinition, ...] = ()
    waits_for: tuple[EventType[Any], ...] = ()
    on_failure: "FunctionDefinition | None" = None
    on_cancel: "FunctionDefinition | None" = None
    takes_failure: bool = False
    """A handler's body: ``(event, step, failure)``."""
    worker: str = "default"
    localns: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), compare=False, repr=False)
    """Locals of the frame that the function was decorated in, for annotations; empty at module level."""
    source_file: str | None = None
    is_async: bool = field(init=False)
    """The body is a coroutine function: it takes an AsyncStep."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_async", is_async(self.body))

    @property
    def result(self) -> Codec:
        """Of the body's return annotation. Raises CodecError when that cannot be resolved or stored."""
        return return_codec(self.body, self.localns)

    @property
    def data(self) -> Codec | None:
        """Of the data of a function that is only invoked; None for one whose data are events. Raises CodecError."""
        return None if self.data_body is None else first_parameter_codec(self.data_body, self.localns)

    def decode_event(self, event_name: str, raw: bytes | str) -> Any:
        """The data that the body is given. Raises EventError when they do not fit, or are of an event that the body does not take."""
        for event in self.decodes:
            if event.name == event_name:
                return event.decode(raw)
        codec = self.data
        if codec is None:
            names = ", ".join(repr(event.name) for event in self.decodes)
            raise EventError(f"{self.name} does not take {event_name!r} events; it takes {names}")
        try:
            return codec.decode(raw, f"the data of {self.name}")
        except CodecError as error:
            raise EventError(str(error)) from error


class Function(Generic[E_contra, R_co]):
    """A durable function: takes an E, results in an R. What `Step.invoke` and ``on_failure=`` accept. Made by ``@app.function``."""

    def __init__(self, definition: FunctionDefinition, /) -> None:
        self._definition = definition
        functools.update_wrapper(cast(Callable[..., Any], self), definition.body)

    @property
    def name(self) -> str:
        """Unique in its app."""
        return self._definition.name

    @property
    def definition(self) -> FunctionDefinition:
        """What the app knows of it; for milepost's own use."""
        return self._definition

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class HasDefinitions(Protocol):
    """An app, as those see it who run its functions."""

    @property
    def definitions(self) -> "Definitions": ...


class Definitions:
    """The events and functions of one app, by name. Filled while the app's modules are imported, read only afterwards."""

    def __init__(self, app: str) -> None:
        self.app = app
        self._events: dict[str, EventType[Any]] = {}
        self._by_class: dict[type[Any], EventType[Any]] = {}
        self._functions: dict[str, FunctionDefinition] = {}
        self._places: dict[tuple[str, str], str] = {}
        self._version: str | None = None

    @property
    def events(self) -> Mapping[str, EventType[Any]]:
        """Event types by name."""
        return MappingProxyType(self._events)

    @property
    def functions(self) -> Mapping[str, FunctionDefinition]:
        """Functions by name, handlers among them as "<function>.on_failure" and "<function>.on_cancel"."""
        return MappingProxyType(self._functions)

    def add_event(self, event: EventType[Any], place: str) -> None:
        """Register an event type. Raises DefinitionError for a second one of its name or class, naming both places (file:line)."""
        self._claim("event", event.name, place)
        known = self._by_class.get(event.cls)
        if known is not None:
            raise DefinitionError(
                f"{event.cls.__qualname__} is the event {known.name!r} already ({self._places['event', known.name]}); here {place}"
            )
        self._events[event.name] = event
        self._by_class[event.cls] = event

    def add_function(self, definition: FunctionDefinition, place: str) -> None:
        """Register a function and its own handlers. Raises DefinitionError for a second one of its name, naming both places."""
        own = [handler for handler in (definition.on_failure, definition.on_cancel) if handler is not None and handler.takes_failure]
        for one in (definition, *own):
            self._claim("function", one.name, place)
            self._functions[one.name] = one
        self._version = None

    def _claim(self, kind: str, name: str, place: str) -> None:
        first = self._places.setdefault((kind, name), place)
        if name in (self._events if kind == "event" else self._functions):
            raise DefinitionError(f"two {kind}s of {self.app!r} are named {name!r}: one at {first}, one at {place}; rename one of them")

    def event_type(self, event: Any) -> EventType[Any]:
        """The event type of a class, or of an instance. Raises EventError, suggesting near names."""
        cls = event if isinstance(event, type) else type(event)
        known = CRON_TICK if cls is CronTick else self._by_class.get(cls)
        if known is not None:
            return known
        if cls is dict:
            raise EventError("a dict does not say which event it is: send a TypedDict as EventOf(OrderPlaced, {...})")
        near = _near(cls.__qualname__, [other.__qualname__ for other in self._by_class])
        raise EventError(f'{cls.__qualname__} is no event of app {self.app!r}: put @app.event("...") above the class{near}')

    def event_named(self, name: str) -> EventType[Any]:
        """The event type of this name. Raises EventError, suggesting near names."""
        if name == CRON_TICK.name:
            return CRON_TICK
        known = self._events.get(name)
        if known is None:
            raise EventError(f"app {self.app!r} has no event {name!r}{_near(name, list(self._events))}")
        return known

    def function(self, name: str) -> FunctionDefinition:
        """The function of this name. Raises FunctionNotFound, suggesting near names."""
        known = self._functions.get(name)
        if known is None:
            raise FunctionNotFound(f"app {self.app!r} has no function {name!r}{_near(name, list(self._functions))}")
        return known

    def awaited(self, group: str) -> frozenset[str]:
        """Names of the events that functions of this worker group wait for, or are cancelled by."""
        return frozenset(event.name for event in self.awaited_events(group))

    def awaited_events(self, group: str) -> tuple[EventType[Any], ...]:
        """The same events by name, sorted."""
        events = {
            event.name: event
            for definition in self._functions.values()
            if definition.worker == group
            for event in (*definition.waits_for, *(cancel.event for cancel in definition.cancel_on))
        }
        return tuple(events[name] for name in sorted(events))

    def groups(self) -> tuple[str, ...]:
        """The worker groups, sorted."""
        return tuple(sorted({definition.worker for definition in self._functions.values()}))

    def code_version(self) -> str:
        """12 characters that change when a source file changes in which a function is defined. Read once."""
        if self._version is None:
            from pathlib import Path  # pathlib brings urllib and ipaddress, for this alone

            hasher = hashlib.blake2b(digest_size=6)
            for file in sorted({definition.source_file or "" for definition in self._functions.values()} - {""}):
                path = Path(file)
                hasher.update(path.name.encode() + b"\0" + (path.read_bytes() if path.is_file() else b""))
            self._version = hasher.hexdigest()
        return self._version


def _near(name: str, known: list[str]) -> str:
    import difflib  # here: only for an error

    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        return f". Did you mean {' or '.join(repr(other) for other in near)}?"
    return f". There are: {', '.join(sorted(known)[:10])}" if known else ". There are none"
