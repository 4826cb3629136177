"""Events: their types, the triggers and waits that name them, and the values by which they are found."""

from milepost.events.base import CRON_TICK_NAME, CronTick, Event, EventInfo, EventOf, Failure
from milepost.events.filters import check_filter
from milepost.events.triggers import CancelOn, Cron, Matched, Trigger, WaitFor, Won
from milepost.events.types import CRON_TICK, EventType, KeyValue, canonical_key
from milepost.fields import fields_of, path_type

__all__ = [
    "CRON_TICK",
    "CRON_TICK_NAME",
    "CancelOn",
    "Cron",
    "CronTick",
    "Event",
    "EventInfo",
    "EventOf",
    "EventType",
    "Failure",
    "KeyValue",
    "Matched",
    "Trigger",
    "WaitFor",
    "Won",
    "canonical_key",
    "check_filter",
    "fields_of",
    "path_type",
]
