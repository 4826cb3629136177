"""From what a user writes at ``@app.function`` to a checked FunctionDefinition: every import-time error of a function is here."""

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, FunctionType
from typing import Any, Final, TypeGuard

from milepost.async_step import AsyncStep
from milepost.codec import UnresolvedAnnotationError, parameter_annotation
from milepost.definitions import CancelDefinition, Definitions, Function, FunctionDefinition, TriggerDefinition, is_async
from milepost.errors import CodecError, DefinitionError, EventError
from milepost.events import CRON_TICK, CancelOn, Cron, CronTick, EventType, Failure, Trigger
from milepost.events.types import key_kinds
from milepost.fields import UnknownPath, path_type
from milepost.narrowing import is_class, is_sequence
from milepost.options import Retry, check_count
from milepost.step import Step

MAX_TRIGGERS: Final = 10

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_NAME_RULE = "a name has 1 to 64 letters, digits, - and _, and begins with a letter or digit"

_WAYS: Final = (("def", "Step"), ("async def", "AsyncStep"))

_OPTIONS = frozenset({"name", "retries", "retry", "cancel_on", "waits_for", "on_failure", "on_cancel", "worker"})


def check_identifier(name: object, what: str) -> str:
    """The name of an app, function or worker group: it becomes part of names on AWS. Raises DefinitionError."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DefinitionError(f"{what} {name!r}: {_NAME_RULE}")
    return name


def caller() -> FrameType | None:
    """The frame that called the function which calls this; None where Python keeps no frames."""
    frame = inspect.currentframe()
    for _ in range(2):
        frame = frame.f_back if frame is not None else None
    return frame


def place_of_function(body: Any) -> str:
    """file:line, for errors."""
    code = body.__code__
    return f"{code.co_filename}:{code.co_firstlineno}"


def place_of(frame: FrameType | None) -> str:
    """file:line, for errors."""
    return "?" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def locals_of(frame: FrameType | None) -> Mapping[str, Any]:
    """The frame's locals as they are now; none at module level, whose names are globals."""
    return {} if frame is None or frame.f_code.co_name == "<module>" else dict(frame.f_locals)


class Registration:
    """One ``@app.function``: its options, and the definition that they make with a body."""

    def __init__(self, definitions: Definitions, on: Any, options: Mapping[str, Any], frame: FrameType | None) -> None:
        self._definitions = definitions
        self._on = on
        self._options = options
        self._localns = locals_of(frame)
        self._label = "@app.function"

    def define(self, body: Any) -> FunctionDefinition:
        """The definition. Raises DefinitionError, naming the function and what is wrong with it."""
        if isinstance(body, Function):
            raise self._wrong(f"{body.name} is a durable function already; decorate the plain function")
        if not isinstance(body, FunctionType):
            raise self._wrong(f"a durable function is a def or an async def, not {body!r}")
        given = self._options.get("name")
        self._label = f"@app.function {given or body.__name__!r}"
        unknown = sorted(set(self._options) - _OPTIONS)
        if unknown:
            raise self._wrong(f"there is no option {', '.join(unknown)}; there are {', '.join(sorted(_OPTIONS | {'on'}))}")
        name = check_identifier(body.__name__ if given is None else given, "the durable function")
        self._check_body(body, ("event", "step"))
        triggers = self._triggers()
        definition = FunctionDefinition(
            name=name,
            body=body,
            triggers=triggers,
            decodes=tuple({trigger.event.name: trigger.event for trigger in triggers}.values()),
            data_body=None if triggers else body,
            retry=self._retry(),
            cancel_on=self._cancel_on(triggers, body),
            waits_for=self._waits_for(),
            worker=check_identifier(self._options.get("worker", "default"), f"{self._label}: worker"),
            localns=self._localns,
            source_file=body.__code__.co_filename,
        )
        self._check_annotations(definition)
        return self._with_handlers(definition)

    def _wrong(self, why: str) -> DefinitionError:
        return DefinitionError(f"{self._label}: {why}")

    def _check_body(self, body: Any, parameters: tuple[str, ...]) -> None:
        code = getattr(body, "__code__", None)
        where = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
        name = getattr(body, "__name__", "f")
        shape = f"{'async def' if is_async(body) else 'def'} {name}({', '.join(parameters)})"
        if inspect.isasyncgenfunction(body):
            raise self._wrong(f"the body is an async generator; it must be a plain async {shape}{where}")
        if inspect.isgeneratorfunction(body):
            raise self._wrong(f"the body is a generator; it must be a plain {shape}{where}")
        try:
            inspect.signature(body).bind(*parameters)
        except TypeError as error:
            raise self._wrong(
                f"the body takes {len(parameters)} positional arguments: {shape}, not {inspect.signature(body)}{where}"
            ) from error
        self._check_step(body, name, parameters, where)

    def _check_step(self, body: Any, name: str, parameters: tuple[str, ...], where: str) -> None:
        """An async body is given an AsyncStep and a def a Step, whatever it says; what it says and cannot be is an error at once."""
        annotation = parameter_annotation(body, parameters.index("step"), self._localns)
        ways = [f"{way} {name}({', '.join(parameters).replace('step', f'step: {step}')})" for way, step in _WAYS]
        match is_async(body), _is_step(annotation, Step), _is_step(annotation, AsyncStep):
            case True, True, _:
                raise self._wrong(f"an async body takes an AsyncStep: write {ways[1]}, or {ways[0]}{where}")
            case False, _, True:
                raise self._wrong(f"only an async body takes an AsyncStep: write {ways[1]}, or {ways[0]}{where}")
            case _:
                pass

    def _check_annotations(self, definition: FunctionDefinition) -> None:
        """At once, so that a type that cannot be stored is an import error; a name that the module defines later is left for later."""
        try:
            _ = definition.result, definition.data
        except UnresolvedAnnotationError:
            pass
        except CodecError as error:
            raise self._wrong(str(error)) from error

    # ---- triggers ----------------------------------------------------------------------------------------------------

    def _triggers(self) -> tuple[TriggerDefinition, ...]:
        if self._on is None:
            return ()
        if not is_sequence(self._on):
            return (self._trigger(self._on),)
        if not 1 <= len(self._on) <= MAX_TRIGGERS:
            raise self._wrong(f"on= takes 1 to {MAX_TRIGGERS} triggers, not {len(self._on)}")
        triggers = tuple(self._trigger(one) for one in self._on)
        for place, trigger in enumerate(triggers):
            if trigger in triggers[:place]:
                raise self._wrong(f"on= has {trigger.event.name!r} twice with the same filter")
        return triggers

    def _trigger(self, on: Any) -> TriggerDefinition:
        if isinstance(on, Cron):
            return TriggerDefinition(event=CRON_TICK, cron=on)
        if _is_trigger(on):
            return TriggerDefinition(event=self._event(on.event, "on="), where=on.where)
        if on is CronTick:
            raise self._wrong('on=CronTick says no time; write on=Cron("0 9 * * MON-FRI", tz="Europe/Paris")')
        if is_class(on):
            return TriggerDefinition(event=self._event(on, "on="))
        raise self._wrong(f"on= takes an event class, a Trigger, a Cron, or a list of them, not {on!r}")

    def _event(self, cls: Any, where: str) -> EventType[Any]:
        if not isinstance(cls, type):
            raise self._wrong(f"{where} takes an event class, not {cls!r}")
        try:
            return self._definitions.event_type(cls)
        except EventError as error:
            raise self._wrong(f"{where} {error}") from error

    def _awaitable(self, cls: Any, where: str) -> EventType[Any]:
        event = self._event(cls, where)
        if not event.keys:
            raise self._wrong(
                f"{where} {cls.__qualname__} has no keys, so it can start functions but not be awaited: "
                f"@app.event({event.name!r}, keys=(...))"
            )
        return event

    # ---- other options -----------------------------------------------------------------------------------------------

    def _retry(self) -> Retry:
        retry, retries = self._options.get("retry"), self._options.get("retries")
        if retry is None:
            return Retry() if retries is None else Retry(retries=check_count(retries, f"{self._label}: retries="))
        if retries is not None:
            raise self._wrong("give retries= or retry=, not both: Retry(retries=...)")
        if not isinstance(retry, Retry):
            raise self._wrong(f"retry= is a Retry, not {retry!r}: Retry(retries=...)")
        return retry

    def _waits_for(self) -> tuple[EventType[Any], ...]:
        given = self._sequence("waits_for")
        events = tuple(self._awaitable(cls, "waits_for=") for cls in given)
        return tuple(dict.fromkeys(events))

    def _sequence(self, option: str) -> Sequence[Any]:
        given = self._options.get(option, ())
        if not is_sequence(given):
            raise self._wrong(f"{option}= takes a list: {option}=[{getattr(given, '__name__', 'CancelOn(...)')}]")
        return given

    def _cancel_on(self, triggers: tuple[TriggerDefinition, ...], body: Callable[..., Any]) -> tuple[CancelDefinition, ...]:
        definitions: list[CancelDefinition] = []
        for given in self._sequence("cancel_on"):
            cancel = given if _is_cancel(given) else CancelOn[Any](given)
            event = self._awaitable(cancel.event, "cancel_on=")
            match = dict(cancel.match) if cancel.match is not None else {key: key for key in event.keys}
            if set(match) != set(event.keys):
                raise self._wrong(
                    f"cancel_on= {event.cls.__qualname__}: match= names {sorted(match)}, the keys are {sorted(event.keys)}; "
                    "all of them are needed"
                )
            for own in self._own_types(triggers, body):
                for key, path in match.items():
                    self._check_match(event, own, key, path)
            definitions.append(CancelDefinition(event=event, match=match, within=cancel.within))
        return tuple(definitions)

    def _own_types(self, triggers: tuple[TriggerDefinition, ...], body: Callable[..., Any]) -> list[Any]:
        if triggers:
            return [trigger.event.cls for trigger in triggers]
        try:
            codec = FunctionDefinition(name="", body=body, data_body=body, localns=self._localns).data
        except CodecError as error:
            raise self._wrong(f"cancel_on= needs the type of the data: {error}") from error
        return [codec.annotation] if codec is not None else []

    def _check_match(self, event: EventType[Any], own: Any, key: str, path: str) -> None:
        other = ", ".join(f'{name!r}: "..."' for name in event.keys)
        hint = f"say where it stands: CancelOn({event.cls.__qualname__}, match={{{other}}})"
        own_name = getattr(own, "__qualname__", str(own))
        try:
            found = path_type(own, path)
        except UnknownPath as unknown:
            known = f"has {', '.join(unknown.known)}" if unknown.known else "has no fields there"
            raise self._wrong(
                f"cancel_on= {event.cls.__qualname__}: {own_name} has no field {path!r} to compare with its key {key!r} "
                f"(it {known}); {hint}",
            ) from unknown
        wanted = path_type(event.cls, key)
        kinds, wanted_kinds = key_kinds(found), key_kinds(wanted)
        if kinds != wanted_kinds and found is not Any and kinds != frozenset() and wanted_kinds != frozenset():
            types = f"{path!r} of {own_name} is {_text(found)}, the key {key!r} is {_text(wanted)}"
            raise self._wrong(f"cancel_on= {event.cls.__qualname__}: {types}: they can never be equal; {hint}")

    # ---- handlers ----------------------------------------------------------------------------------------------------

    def _with_handlers(self, definition: FunctionDefinition) -> FunctionDefinition:
        handlers = {role: self._handler(definition, role) for role in ("on_failure", "on_cancel")}
        made: dict[str, Any] = {role: handler for role, handler in handlers.items() if handler is not None}
        return dataclasses.replace(definition, **made) if made else definition

    def _handler(self, definition: FunctionDefinition, role: str) -> FunctionDefinition | None:
        given = self._options.get(role)
        if given is None:
            return None
        if _is_function(given):
            return self._function_as_handler(given, role)
        if not callable(given) or isinstance(given, type):
            raise self._wrong(f"{role}= takes a def or async def (event, step, failure) or a durable function of a Failure, not {given!r}")
        self._check_body(given, ("event", "step", "failure"))
        return FunctionDefinition(
            name=f"{definition.name}.{role}",
            body=given,
            decodes=definition.decodes,
            data_body=definition.data_body,
            retry=definition.retry,
            waits_for=definition.waits_for,
            takes_failure=True,
            worker=definition.worker,
            localns=definition.localns,
            source_file=definition.source_file,
        )

    def _function_as_handler(self, function: Function[Any, Any], role: str) -> FunctionDefinition:
        handler = function.definition
        if self._definitions.functions.get(handler.name) is not handler:
            raise self._wrong(f"{role}= {handler.name} is a function of another app")
        try:
            data = handler.data
        except CodecError as error:
            raise self._wrong(f"{role}= {handler.name}: {error}") from error
        if data is None or data.annotation is not Failure:
            raise self._wrong(f"{role}= {handler.name} takes no Failure: @app.function() def {handler.name}(failure: Failure, step: Step)")
        return handler


def _is_trigger(value: object) -> TypeGuard[Trigger[Any]]:
    return isinstance(value, Trigger)


def _is_step(annotation: Any, protocol: Any) -> bool:
    """Whether an annotation is this protocol of steps, or one that extends it."""
    while hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    return isinstance(annotation, type) and protocol in annotation.__mro__


def _is_cancel(value: object) -> TypeGuard[CancelOn[Any]]:
    return isinstance(value, CancelOn)


def _is_function(value: object) -> TypeGuard[Function[Any, Any]]:
    return isinstance(value, Function)


def _text(annotation: Any) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation).replace("typing.", "")
