"""The writes of a run's header, in words: what lease.py and origins.py do with it."""

from collections.abc import Callable, Mapping
from typing import Any

from milepost.engine.ports import Change, Item
from milepost.runs import RunStatus

_TERMINAL = frozenset(status.value for status in RunStatus if status.is_terminal)


def header_put(item: Item) -> str:
    """A run comes into being."""
    if item["status"] in _TERMINAL:
        return f"leaves a tombstone: {item['status']} before it began"
    return f"is born: {item['status']}, epoch {item.get('epoch', 0)}"


def header_update(change: Change, outcome: Any, until: Callable[[int | None], str]) -> str:
    """A run's header changes; ``until`` says when a time is."""
    values, removed = change.set, change.remove
    epoch = f" (epoch {outcome['epoch']})" if isinstance(outcome, dict) and "epoch" in outcome else ""
    if "epoch" in change.add:
        return f"takes the lease{epoch}"
    if "inbox" in change.add:
        return f"bumps the inbox (to {outcome['inbox']})" if isinstance(outcome, dict) else "bumps the inbox"
    if "covered" in values:
        return f"suspends, next due {until(values['next_due'])}, covered {values['covered']}{_more(values)}"
    if "said" in values:
        return f"hands over{_more(values)}"
    if values.get("status") in _TERMINAL:
        return _ended(values, removed)
    return _other(values, removed, epoch)


def _ended(values: Mapping[str, Any], removed: tuple[str, ...]) -> str:
    if "reason" in values and "owner" not in removed:
        return f"is cancelled: {values['reason']}"
    error = values.get("error")
    why = "" if error is None else f": {error['type'].rpartition('.')[2]}: {error['message'][:60]}"
    return f"ends: {values['status']}{' and settled' if 'settled_at' in values else ''}{why}"


def _other(values: Mapping[str, Any], removed: tuple[str, ...], epoch: str) -> str:
    match values:
        case {"settled_at": _}:
            return "is settled"
        case {"status": "paused", "reason": reason}:
            return f"is paused: {reason}"
        case {"status": "waiting"}:
            return "is resumed" if "reason" in removed else f"goes to group {values.get('group', '?')}"
        case {"doing": path}:
            return f"notes that it begins {path}"
        case {"deaths": deaths}:
            return f"counts deaths: {dict(deaths)}"
        case _ if values:
            return f"changes {', '.join(values)}"
        case _:
            return f"gives the lease back{epoch}" if "owner" in removed else "forgets which step it began"


def _more(values: Mapping[str, Any]) -> str:
    """What else a suspension says."""
    told = [f"{name} {values[name]}" for name in ("attempt", "idle") if values.get(name, 1) > 1]
    return f", {', '.join(told)}" if told else ""
