"""The rules of the bus on one machine, made from an app's definitions as the deployment makes them on AWS."""

from collections.abc import Sequence

from milepost.engine import keys
from milepost.engine.messages import SIGNAL
from milepost.engine.patterns import matches, parse_json
from milepost.engine.ports import Entry
from milepost.functions import Definitions
from milepost.local.bus import Route


def routes_of(definitions: Definitions) -> list[Route]:
    """One rule per function trigger, one per worker group for awaited and cancelling events."""
    routes = [
        Route(pattern=trigger.pattern(), group=function.worker, target=function.name)
        for function in definitions.functions.values()
        if not function.takes_failure
        for trigger in function.triggers
        if trigger.cron is None
    ]
    for group in definitions.groups():
        awaited = sorted(definitions.awaited(group))
        if awaited:
            routes.append(Route(pattern={"detail-type": awaited}, group=group, target=SIGNAL + group))
    return routes


def started_by(routes: Sequence[Route], entries: Sequence[Entry]) -> list[str]:
    """The ids of the runs that these events start, in order of event and function."""
    found: list[str] = []
    for entry in entries:
        whole = {"id": entry.id, "detail-type": entry.name, "source": entry.source, "detail": parse_json(entry.detail)}
        found += [
            keys.run_id(route.target, entry.name, entry.id)
            for route in routes
            if not route.target.startswith(SIGNAL) and matches(route.pattern, whole)
        ]
    return list(dict.fromkeys(found))
