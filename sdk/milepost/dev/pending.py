"""What a run waits for now, from its records: for the lines of `milepost dev` and the header of `milepost show`."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from milepost.dev.words import clock, several, short_id, shorten, until
from milepost.engine import keys
from milepost.engine.records import Header, Record
from milepost.timestamps import instant, milliseconds

_GROUPS = ("map", "parallel", "race")


class Waiting(msgspec.Struct, frozen=True):
    """One thing that a run waits for."""

    step: str | None
    """The step's path; None for a retry of the whole body."""
    words: str
    """Such as: sleeps until Thu 14:03 (in 3 d)."""
    until: datetime | None
    """When it is due, or given up."""
    brief: str
    """The same for a narrow screen."""
    events: list[str] = []
    """Names of the events of which one would end it."""
    child: str | None = None
    """The run of which the end would."""


def waiting_for(header: Header, records: Iterable[Record], now: datetime) -> list[Waiting]:
    """All that a run waits for, soonest first; nothing when it has ended or is driven just now."""
    if header.status.is_terminal:
        return []
    found: list[Waiting] = []
    if header.retry_at is not None:
        at = instant(header.retry_at)
        words = f"tries again at {until(at, now)}, attempt {header.attempt} of the body"
        found.append(Waiting(None, words, at, f"tries again at {clock(at, now)}"))
    for record in records:
        if record.is_final or record.kind in _GROUPS:
            continue
        due = None if record.due_at is None else instant(record.due_at)
        if record.kind == "sleep" and (record.due_at or 0) <= milliseconds(now):
            continue
        found.append(_waiting(record, due, now))
    return sorted(found, key=lambda one: (one.until is None, one.until or now))


def _waiting(record: Record, due: datetime | None, now: datetime) -> Waiting:
    path = shown_path(record.path)
    when = "" if due is None else until(due, now)
    brief = "" if due is None else clock(due, now)
    match record.kind:
        case "sleep":
            return Waiting(path, f"sleeps until {when}", due, f"sleeps until {brief}")
        case "wait":
            spec: list[list[Any]] = record.detail.get("waits", [])
            named = " or ".join(_event(name, given) for name, given, *_ in spec)
            events = [str(one[0]) for one in spec]
            return Waiting(path, f"waits for {named} until {when}", due, f"waits for {' or '.join(events)}", events=events)
        case "callback":
            return Waiting(path, f"waits for its callback until {when}", due, f"waits for callback {path}")
        case "poll":
            return Waiting(path, f"looks again at {when}, {several(record.attempts, 'check')} so far", due, f"looks again at {brief}")
        case "invoke":
            child, function = str(record.detail.get("child", "")), record.detail.get("function", "?")
            limit = "" if due is None else f" until {when}"
            return Waiting(path, f"waits for run {short_id(child)} of {function}{limit}", due, f"waits for {function}", child=child)
        case _ if record.error is not None and due is not None:
            what = f"{record.error.type.rpartition('.')[2]}: {shorten(record.error.message, 60)}"
            words = f"tries again at {when}, attempt {record.attempts} failed with {what}"
            return Waiting(path, words, due, f"tries again at {brief}")
        case _:
            return Waiting(path, f"began at {clock(instant(record.started_at), now)}", due, "")


def _event(name: str, given: dict[str, object]) -> str:
    pairs = ", ".join(f"{key}={value}" for key, value in given.items())
    return f"{name} ({pairs})"


def shown_scope(path: str) -> list[str]:
    """The names of the scopes that a step lies in."""
    return [] if path.startswith("~") else [keys.unescape(part) for part in path.split("/")[:-1]]


def shown_path(path: str) -> str:
    """A step's path as people see it: names as given, and what milepost put there itself in words."""
    for mark, words in (("~undo/", "undo "), ("~patched/", "patched ")):
        if path.startswith(mark):
            return words + keys.unescape_path(path[len(mark) :])
    return keys.unescape_path(path)
