"""What a port call was about, in the words of a report: ``put step 'charge'``. Reads keys, judges nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from milepost.engine import keys
from milepost.engine.ports import Delete, Key, Put, Update
from milepost.narrowing import is_dict, is_sequence

_MOST_SHOWN: Final = 3
_RUN: Final = "run#"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a port."""

    text: str
    run: str | None = None
    """Whose row it reads or writes, if it is one run's."""
    steps: tuple[str, ...] = ()
    """Steps with a function of the user's that it was to write, by path as shown."""


def call_of(name: str, args: Sequence[Any]) -> Call:
    """A call by the name of its method and its arguments."""
    places = list(_places(name, args))
    if not places:
        return Call(text=_PLAIN.get(name, name.replace("_", " ")))
    runs = {place.pk.removeprefix(_RUN) for place in places if place.pk.startswith(_RUN)}
    things = [_thing(place) for place in places]
    shown = ", ".join(things[:_MOST_SHOWN]) + (f" and {len(things) - _MOST_SHOWN} more" if len(things) > _MOST_SHOWN else "")
    return Call(text=f"{_VERBS.get(name, name)} {shown}", run=runs.pop() if len(runs) == 1 else None, steps=tuple(_steps(args[0])))


_WITH_A_FUNCTION: Final = frozenset({"run", "poll", "callback"})
_VERBS: Final = {"get": "read", "get_many": "read", "query": "read", "query_as": "read", "write_many": "put", "transact": "put"}
_PLAIN: Final = {
    "send": "send messages",
    "publish": "publish events",
    "arm": "arm a timer",
    "disarm": "disarm a timer",
    "query_index": "read an index",
    "put": "put a large value",
    "get": "read a large value",
}


def _places(name: str, args: Sequence[Any]) -> Iterable[Key]:
    first = args[0] if args else None
    if isinstance(first, Key):
        yield first
    elif is_dict(first) and "pk" in first:
        yield Key(first["pk"], first["sk"])
    elif name == "query":
        yield Key(str(first), args[1] if len(args) > 1 else "")
    elif name == "query_as":
        yield Key(str(args[1]), args[2] if len(args) > 2 else "")
    elif is_sequence(first):
        for one in first:
            if isinstance(one, Put | Update | Delete):
                yield one.key
            elif isinstance(one, Key):
                yield one


def _steps(first: object) -> Iterable[str]:
    """Paths of steps that are put, alone or with others."""
    writes = first if is_sequence(first) and not isinstance(first, Key) else [first]
    for one in writes:
        item = one.item if isinstance(one, Put) else one
        if is_dict(item) and item.get("kind") in _WITH_A_FUNCTION:
            yield _path(Key(item["pk"], item["sk"]))


def _path(place: Key) -> str:
    return keys.unescape_path(place.sk.removeprefix(keys.STEP_PREFIX))


def _thing(place: Key) -> str:
    head = place.pk.partition("#")[0]
    if head != "run":
        return {"wait": "a wait", "event": "an event", "cron": "a cron", "skip": "a skipped event"}.get(head, head)
    kind, _, rest = place.sk.partition("#")
    match kind:
        case "step":
            return f"step {_path(place)!r}" if rest else "the steps"
        case "run":
            return "the run"
        case "event":
            return "its event"
        case "result":
            return "its result"
        case _:
            return "its history"
