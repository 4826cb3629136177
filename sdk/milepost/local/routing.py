"""The rules of the bus on one machine, made from an app's definitions as the deployment makes them on AWS."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from milepost.engine import keys
from milepost.engine.messages import SIGNAL
from milepost.engine.patterns import parse_json
from milepost.engine.ports import Entry
from milepost.functions import Definitions
from milepost.local.bus import Route


def routes_of(definitions: Definitions) -> list[Route]:
    """One rule per function trigger, one per worker group for awaited and cancelling events."""
    routes = [
        _route(trigger.pattern(), function.worker, function.name)
        for function in definitions.functions.values()
        if not function.takes_failure
        for trigger in function.triggers
        if trigger.cron is None
    ]
    for group in definitions.groups():
        awaited = definitions.awaited_events(group)
        plain = [event.name for event in awaited if event.source is None]
        patterns = ([{"detail-type": plain}] if plain else []) + [event.pattern for event in awaited if event.source is not None]
        routes += [_route(pattern, group, SIGNAL + group) for pattern in patterns]
    return routes


def _route(pattern: dict[str, Any], group: str, target: str) -> Route:
    return Route(pattern=pattern, group=group, target=target, names=frozenset(pattern["detail-type"]), asks_more=len(pattern) > 1)


def started_by(routes: Sequence[Route], entries: Sequence[Entry]) -> list[str]:
    """The ids of the runs that these events start, in order of event and function."""
    found: list[str] = []
    starting = [route for route in routes if not route.target.startswith(SIGNAL)]
    for entry in entries:
        found += [keys.run_id(route.target, entry.name, entry.id) for route in starting if route.takes(entry.name, partial(_whole, entry))]
    return list(dict.fromkeys(found))


def _whole(entry: Entry) -> dict[str, Any]:
    return {"id": entry.id, "detail-type": entry.name, "source": entry.source, "detail": parse_json(entry.detail)}
