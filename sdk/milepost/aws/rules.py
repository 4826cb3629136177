"""The rules of the buses, made from an app's definitions: data, for who deploys them and for the test kit.

A rule per trigger of a function, and per worker group those of the events that it waits for or is cancelled by. A rule's target is the
group's queue, by way of `input_template`. What a pattern matches is `engine.patterns`'.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

import msgspec

from milepost.engine import keys
from milepost.engine.messages import SIGNAL, VERSION
from milepost.engine.patterns import validate
from milepost.errors import DefinitionError
from milepost.events import EventType
from milepost.functions import Definitions, FunctionDefinition

PATTERN_LIMIT: Final = 2_048
"""Characters of an event pattern (EventBridge quotas, read 2026-11-22)."""

BusName: TypeAlias = Literal["app", "default"]
"""The app's own bus, or the account's default one, on which AWS services put their events."""

_NAME_CHARACTERS: Final = 37
"""Of the function's or group's name in a rule's: with the digest 64, EventBridge's most (API reference, PutRule)."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """Events on a bus that go to a worker group's queue, addressed to a target."""

    name: str
    """At most 64 of A-Z a-z 0-9 . _ -, the same for the same rule; a changed pattern has another, so that a deploy makes the new rule
    before it takes the old one away and no event falls between the two."""
    bus: BusName
    pattern: dict[str, Any] = field(hash=False)
    group: str
    target: str
    """What the message's ``for`` says: a function, or the signals of a group."""

    @property
    def pattern_json(self) -> str:
        """The pattern as PutRule takes it."""
        return pattern_json(self.pattern)

    @property
    def input_template(self) -> str:
        """The template of the InputTransformer of the rule's target."""
        return input_template(self.target)


def rules_of(definitions: Definitions) -> list[Rule]:
    """All rules of an app. Raises DefinitionError for a pattern that EventBridge would not take, naming the function."""
    rules = [
        _rule(definitions.app, function.name, trigger.event, _checked(function, trigger.pattern()), function.worker, function.name)
        for function in definitions.functions.values()
        if not function.takes_failure
        for trigger in function.triggers
        if trigger.cron is None
    ]
    for group in definitions.groups():
        rules += _awaited(definitions, group)
    return rules


def input_template(target: str) -> str:
    """What EventBridge makes of an event for a target: an `engine.messages.EventMessage`, with when the bus accepted the event."""
    name = _encode(target).decode()
    return f'{{"v":{VERSION},"kind":"event","for":{name},"at":"<aws.events.event.ingestion-time>","event":<aws.events.event.json>}}'


def pattern_json(pattern: dict[str, Any]) -> str:
    """A pattern as text, in as few characters as it can be."""
    return _encode(pattern).decode()


def _awaited(definitions: Definitions, group: str) -> Iterator[Rule]:
    """Rules for what functions of a group wait for, each with as many events as its pattern has room for."""
    by_source: dict[str | None, list[EventType[Any]]] = {}
    for event in definitions.awaited_events(group):
        by_source.setdefault(event.source, []).append(event)
    for events in by_source.values():
        for part in _parts(events):
            yield _rule(definitions.app, group, part[0], _pattern_of(part), group, SIGNAL + group)


def _parts(events: Sequence[EventType[Any]]) -> Iterator[list[EventType[Any]]]:
    """Events of one source, in order, in parts of which each fits into a pattern."""
    part: list[EventType[Any]] = []
    for event in events:
        if part and len(pattern_json(_pattern_of([*part, event]))) > PATTERN_LIMIT:
            yield part
            part = []
        part.append(event)
    if part:
        yield part


def _pattern_of(events: Sequence[EventType[Any]]) -> dict[str, Any]:
    return {**events[0].pattern, "detail-type": [event.name for event in events]}


def _checked(function: FunctionDefinition, pattern: dict[str, Any]) -> dict[str, Any]:
    problems = validate(_plain(pattern))
    if problems:
        raise DefinitionError(f"{function.name}: its trigger is no pattern that EventBridge takes: {'; '.join(problems)}")
    size = len(pattern_json(pattern))
    if size > PATTERN_LIMIT:
        raise DefinitionError(
            f"{function.name}: the filter of its {pattern['detail-type'][0]!r} trigger makes a pattern of {size:,} characters, "
            f"{PATTERN_LIMIT:,} are the most: split it into several triggers, or ask for less there and for the rest in the body"
        )
    return pattern


def _plain(pattern: dict[str, Any]) -> Any:
    """As it is read back: lists and dicts, whatever a user wrote."""
    return msgspec.json.decode(_encode(pattern))


def _rule(app: str, owner: str, event: EventType[Any], pattern: dict[str, Any], group: str, target: str) -> Rule:
    digest = keys.digest("rule", app, target, group, pattern_json(pattern))
    return Rule(
        name=f"{owner[:_NAME_CHARACTERS]}-{digest}",
        bus="default" if event.is_of_aws else "app",
        pattern=pattern,
        group=group,
        target=target,
    )
