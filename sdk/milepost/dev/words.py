"""Times, durations and values in words that fit on a line. Pure: the present is an argument, the time zone that of the machine."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

_SECOND: Final = timedelta(seconds=1)
_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
SHORT_ID: Final = 8
"""Characters of a run's id that are shown: 40 bits, enough to name it again."""


def short_id(run: str) -> str:
    """As much of a run's id as names it among a million."""
    return run[:SHORT_ID]


def span(duration: timedelta) -> str:
    """A duration in at most two units: "12 ms", "1.2 s", "4 m 10 s", "3 h", "2 d 5 h"."""
    duration = max(duration, timedelta(0))
    if duration < _SECOND:
        return f"{duration // timedelta(milliseconds=1)} ms"
    if duration < _MINUTE:
        return f"{duration.total_seconds():.1f}".removesuffix(".0") + " s"
    for unit, name, lesser, short in ((_DAY, "d", _HOUR, "h"), (_HOUR, "h", _MINUTE, "m"), (_MINUTE, "m", _SECOND, "s")):
        if duration >= unit:
            rest = (duration % unit) // lesser
            return f"{duration // unit} {name}" + (f" {rest} {short}" if rest else "")
    raise AssertionError("a duration of a minute or more has a unit")


def clock(moment: datetime, now: datetime) -> str:
    """A time in the local zone, as short as it stays clear: "14:03:11", "Thu 14:03", "2026-12-01 14:03"."""
    local, today = moment.astimezone(), now.astimezone()
    if local.date() == today.date():
        return local.strftime("%H:%M:%S")
    if abs(local.date() - today.date()) < timedelta(days=7):
        return local.strftime("%a %H:%M")
    return local.strftime("%Y-%m-%d %H:%M")


def full(moment: datetime) -> str:
    """A time in the local zone with its offset, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def relative(moment: datetime, now: datetime) -> str:
    """How far off: "just now", "4 m ago", "in 3 d"."""
    away = moment - now
    if abs(away) < _SECOND:
        return "just now" if away <= timedelta(0) else "at once"
    rough = _rough(abs(away))
    return f"in {rough}" if away > timedelta(0) else f"{rough} ago"


def _rough(duration: timedelta) -> str:
    if duration >= 1.95 * _DAY:
        return f"{round(duration / _DAY)} d"
    if duration >= 1.95 * _HOUR:
        return f"{round(duration / _HOUR)} h"
    if duration >= 1.95 * _MINUTE:
        return f"{round(duration / _MINUTE)} m"
    return f"{round(duration / _SECOND)} s"


def until(moment: datetime, now: datetime) -> str:
    """A time to come, with how far off it is: "14:03:11 (in 4 m)"."""
    away = "" if abs(moment - now) < _SECOND else f" ({relative(moment, now)})"
    return clock(moment, now) + away


def compact(raw: str, width: int) -> str:
    """JSON on one line of at most ``width`` characters, its end cut off by an ellipsis."""
    return shorten(msgspec.json.format(raw, indent=0), width)


def shorten(text: str, width: int) -> str:
    """The text on one line of at most ``width`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: max(width - 1, 0)].rstrip() + "…"


def several(count: int, noun: str) -> str:
    """With its number: "1 run", "2 runs"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
