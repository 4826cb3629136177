"""What an app holds, in a person's words: functions with what starts them, events with their keys, crons with the next tick."""

from datetime import datetime, timedelta

import msgspec

from milepost.definitions import FunctionDefinition, TriggerDefinition
from milepost.functions import Definitions


class FoundCron(msgspec.Struct, frozen=True):
    """A cron of a function."""

    expression: str
    tz: str
    next_at: datetime


class FoundFunction(msgspec.Struct, frozen=True):
    """A function of the app; handlers are named by those that they handle."""

    name: str
    events: list[str]
    """Names of the events that start it; with its crons empty when it is only invoked."""
    filtered: bool
    """At least one of them by a content filter."""
    crons: list[FoundCron]
    retries: int
    waits_for: list[str]
    cancel_on: list[str]
    handlers: list[str]
    """on_failure and on_cancel, where there are such."""
    worker: str


class FoundEvent(msgspec.Struct, frozen=True):
    """An event type of the app."""

    name: str
    keys: list[str]


class Found(msgspec.Struct, frozen=True):
    """All of it."""

    app: str
    functions: list[FoundFunction]
    events: list[FoundEvent]


def found_in(definitions: Definitions, now: datetime) -> Found:
    """What there is."""
    functions = [_function(one, now) for one in definitions.functions.values() if not one.takes_failure]
    return Found(definitions.app, functions, [FoundEvent(event.name, list(event.keys)) for event in definitions.events.values()])


def _function(one: FunctionDefinition, now: datetime) -> FoundFunction:
    on_events = [trigger for trigger in one.triggers if trigger.cron is None]
    return FoundFunction(
        name=one.name,
        events=[trigger.event.name for trigger in on_events],
        filtered=any(trigger.where is not None for trigger in on_events),
        crons=[cron for trigger in one.triggers for cron in _crons(trigger, now)],
        retries=one.retry.retries,
        waits_for=[event.name for event in one.waits_for],
        cancel_on=[cancel.event.name for cancel in one.cancel_on],
        handlers=[kind for kind, handler in (("on_failure", one.on_failure), ("on_cancel", one.on_cancel)) if handler is not None],
        worker=one.worker,
    )


def _crons(trigger: TriggerDefinition, now: datetime) -> list[FoundCron]:
    cron = trigger.cron
    if cron is None:
        return []
    return [FoundCron(cron.expression, cron.tz, cron.next_after(now + timedelta(milliseconds=1)))]
