"""What a body hands to its steps, checked and encoded: awaited events, events to send, data of a child."""

from typing import Any, TypeGuard

from milepost.engine.slice import Slice
from milepost.engine.waits import Awaited
from milepost.errors import CodecError, EventError, FunctionNotFound, UndeclaredWaitError, UsageError
from milepost.events import EventOf, EventType, WaitFor
from milepost.functions import Definitions, Function, FunctionDefinition


def awaited_of(slice_: Slice, name: str, wait: object) -> Awaited:
    """One event of a wait. Raises UndeclaredWaitError, UsageError."""
    if not _is_wait(wait):
        raise slice_.misused(UsageError(f"wait_for_any {name!r} takes WaitFor(Event, key=value), not {wait!r}"))
    try:
        event = slice_.worker.definitions.event_type(wait.event)
        _check_declared(slice_, name, event)
        return Awaited(event, event.check_keys(wait.keys), wait.where)
    except (UsageError, EventError, UndeclaredWaitError) as error:
        raise slice_.misused(error) from None


def _is_wait(value: object) -> TypeGuard[WaitFor[Any]]:
    return isinstance(value, WaitFor)


def _is_event_of(value: object) -> TypeGuard[EventOf[Any]]:
    return isinstance(value, EventOf)


def _is_function(value: object) -> TypeGuard[Function[Any, Any]]:
    return isinstance(value, Function)


def _check_declared(slice_: Slice, name: str, event: EventType[Any]) -> None:
    definition = slice_.definition
    if event in definition.waits_for:
        return
    declared = ", ".join(one.cls.__name__ for one in (*definition.waits_for, event))
    raise UndeclaredWaitError(
        f"{definition.name} waits for {event.name!r} at step {name!r}, but does not declare it: "
        f"write @app.function(..., waits_for=[{declared}]), for what a function waits for becomes a rule of the bus when it is deployed"
    )


def encoded_event(definitions: Definitions, event: object) -> tuple[EventType[Any], str]:
    """An event's type and the JSON of its data. Raises EventError."""
    if _is_event_of(event):
        event_type = definitions.event_type(event.event)
        return event_type, event_type.encode(event.data).decode()
    event_type = definitions.event_type(event)
    if isinstance(event, type):
        raise EventError(f"{event.__qualname__} is the event's class: send an instance, {event.__qualname__}(...)")
    return event_type, event_type.encode(event).decode()


def check_sendable(event: EventType[Any]) -> None:
    """Raises EventError for an event that only an AWS service can send."""
    if event.is_of_aws:
        raise EventError(f"{event.name!r} events come from AWS: nobody else can send one with source {event.source!r}")


def encode_data(definitions: Definitions, function: object, data: Any, what: str) -> tuple[FunctionDefinition, str, str]:
    """The function to start, the JSON of its data, the name of the event that they are. Raises UsageError, EventError, CodecError."""
    if not _is_function(function):
        raise UsageError(f"{what}: invoke takes a function made by @app.function, not {function!r}")
    known = definitions.functions.get(function.name)
    if known is None or known is not function.definition:
        raise FunctionNotFound(f"{what}: {function.name!r} is not a function of app {definitions.app!r}")
    codec = known.data
    if codec is not None:
        return known, codec.encode(data, f"the data of {what}").decode(), ""
    event_type, raw = encoded_event(definitions, data)
    if all(event_type.name != taken.name for taken in known.decodes):
        names = ", ".join(taken.cls.__name__ for taken in known.decodes)
        raise UsageError(f"{what}: {known.name} takes {names}, not {type(data).__qualname__}")
    return known, raw, event_type.name


def child_data(slice_: Slice, path: str, function: Function[Any, Any], data: Any) -> tuple[FunctionDefinition, str, str]:
    """The same for a child of this run; an error is not to be swallowed."""
    try:
        return encode_data(slice_.worker.definitions, function, data, f"invoke {path!r}")
    except (UsageError, EventError, CodecError, FunctionNotFound) as error:
        raise slice_.misused(error) from None
