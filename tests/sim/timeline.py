"""What happened, in order, for a person to read."""

from typing import Any

from milepost.engine.ports import Change
from tests.sim.scheduler import START_MS


class Timeline:
    """Lines of a play: when, who, what."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def tell(self, at_ms: int, who: str, what: str, details: str = "") -> None:
        """Add a line."""
        self.lines.append(f"{_time(at_ms)}  {who:<12} {what}{f'   {details[:160]}' if details else ''}")

    def called(
        self, at_ms: int, environment: str, task: str, port: str, method: str, args: tuple[Any, ...], failure: Exception | None
    ) -> None:
        """Add a port call."""
        told = f"{port}.{method} {shown(method, args)}{'' if failure is None else f'   ✗ {type(failure).__name__}'}"
        self.lines.append(f"{_time(at_ms)}  {environment:<12} {task:<16} {told}")

    def text(self, last: int = 400) -> str:
        """The end of it."""
        left_out = len(self.lines) - last
        return "\n".join(([f"... {left_out} lines before"] if left_out > 0 else []) + self.lines[-last:])


def _time(at_ms: int) -> str:
    ms = at_ms - START_MS
    days, rest = divmod(ms, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{f'{days}d ' if days else ''}{hours:02d}:{minutes:02d}:{rest / 1000:06.3f}".rjust(16)


def shown(method: str, args: tuple[Any, ...]) -> str:
    """What a call is about, in a few words."""
    match method:
        case "put":
            return _item(args[0])
        case "update":
            pk, sk = args[0]
            return _updated(pk, sk, args[1])
        case "get" | "delete":
            return _key(*args[0])
        case "write_many" | "transact":
            return " · ".join(_item(one.item) if hasattr(one, "item") else f"{type(one).__name__} {_key(*one.key)}" for one in args[0])[
                :220
            ]
        case "query":
            return str(args[0])[:80]
        case "query_as":
            return str(args[1])[:80]
        case "send":
            return " · ".join(f"{one.body} {f'+{one.delay_ms} ms' if one.delay_ms else ''}" for one in args[0])[:220]
        case "publish":
            return " · ".join(f"{one.name} {one.id}" for one in args[0])[:220]
        case "arm":
            return f"at {_time(args[1]).strip()} {args[2].body}"
        case _:
            return " ".join(str(one) for one in args)[:120]


def _updated(pk: str, sk: str, change: Change) -> str:
    removed = f" -{list(change.remove)}" if change.remove else ""
    added = f" +{dict(change.add)}" if change.add else ""
    return f"{_key(pk, sk)} {dict(change.set) or ''}{removed}{added}"[:220]


def _key(pk: str, sk: str) -> str:
    return f"{pk[:10]}/{sk}" if pk.startswith("run#") else f"{pk}/{sk}"[:90]


def _item(item: dict[str, Any]) -> str:
    return f"{_key(item['pk'], item['sk'])} {item.get('status', '')}"
