"""The bus port on the state file: one commit logs the events and puts a message into the queue of every route that matches.

Owns the routing of events on one machine. What a message for a worker looks like is `engine.messages`'; which pattern
takes which event is `engine.patterns`'.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

import msgspec

from milepost.engine import messages
from milepost.engine.matchers import is_object
from milepost.engine.patterns import matches, parse_json
from milepost.engine.ports import Clock, Entry, Outgoing
from milepost.local import event_log, queue
from milepost.local.post import Letter
from milepost.local.store import Store

CLIENT_GROUP: Final = "default"
"""Where a client leaves its events. The worker takes messages of all groups, so any name would do."""


class Route(msgspec.Struct, frozen=True):
    """A rule of the bus: events that its pattern takes go to the group's queue, addressed to the target."""

    pattern: Mapping[str, Any]
    group: str
    target: str
    """What the message's ``for`` says: a function, or the signals of a group."""
    names: frozenset[str] | None = None
    """When known: the names that the pattern asks for, the quickest thing to compare."""
    asks_more: bool = True
    """The pattern asks for more than one of the names."""

    def takes(self, name: str, event: Callable[[], Mapping[str, Any]]) -> bool:
        """Whether an event of this name is for it; ``event`` makes the whole of it, where that has to be looked at."""
        if self.names is not None and name not in self.names:
            return False
        return not self.asks_more or matches(self.pattern, event())


Routes: TypeAlias = Callable[[], Sequence[Route]]


class LocalBus:
    """`Bus` of ports.py. A worker's has ``routes``, asked for at each publish. A client knows none (None): its events become
    a `messages.Publish` each, in one commit, and the worker that receives those publishes them.

    The log keeps one row per event id; an event that is published twice is delivered twice.
    """

    def __init__(self, store: Store, routes: Routes | None, clock: Clock) -> None:
        self._store = store
        self._routes = routes
        self._clock = clock

    def publish(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        now = self._clock.now_ms()
        logged: Sequence[Entry] = ()
        if self._routes is None:
            outgoing = [_for_the_worker(entry) for entry in entries]
        else:
            logged, routes = entries, self._routes()
            outgoing = [message for entry in entries for message in routed(entry, now, routes)]

        def op(conn: sqlite3.Connection) -> list[Letter]:
            event_log.append(conn, logged, now)
            return queue.insert(conn, outgoing, now) if outgoing else []

        self._store.send(op)


def _for_the_worker(entry: Entry) -> Outgoing:
    messages.check_detail(entry)  # who sends bad JSON is told, not the worker
    publish = messages.Publish(name=entry.name, source=entry.source, detail=entry.detail, id=entry.id)
    return Outgoing(group=CLIENT_GROUP, body=messages.encode(publish))


def routed(entry: Entry, now_ms: int, routes: Sequence[Route]) -> list[Outgoing]:
    """The messages that an event becomes, one per route that takes it. Raises ValueError for a detail that is no JSON object."""
    time = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    whole = {"id": entry.id, "detail-type": entry.name, "source": entry.source, "time": time, "detail": _detail(entry)}
    # The detail travels as it was written: a Decimal such as 9.50 keeps its last zero.
    event = messages.BusEvent(
        id=entry.id, detail_type=entry.name, source=entry.source, time=time, detail=msgspec.Raw(entry.detail.encode())
    )
    return [
        Outgoing(group=route.group, body=messages.encode(messages.EventMessage(target=route.target, at=now_ms, event=event)))
        for route in routes
        if route.takes(entry.name, lambda: whole)
    ]


def _detail(entry: Entry) -> Mapping[str, Any]:
    try:
        detail = parse_json(entry.detail)
    except ValueError as error:
        raise ValueError(f"the detail of event {entry.id} ({entry.name}) is not JSON: {error}") from error
    if not is_object(detail):
        raise ValueError(f"the detail of event {entry.id} ({entry.name}) is not a JSON object")
    return detail
