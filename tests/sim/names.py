"""Which runs there are in a play, by names that a person can read, and which of them a call is about.

A run that an event starts is called by its key, a child by its parent's name and the place that invokes it, a handler by the run
that it is about: `k0`, `k0>n3`, `k0!on_failure`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from milepost.engine import keys
from milepost.engine.messages import (
    SIGNAL,
    Cancel,
    Delayed,
    EventMessage,
    Message,
    MessageError,
    Parcel,
    Poke,
    Publish,
    Received,
    Start,
    TimerDue,
    decode,
    read_event,
)
from milepost.engine.ports import Item, Key, Outgoing, Page

if TYPE_CHECKING:
    from tests.sim.world import World

_ID = re.compile(r"\b[a-z2-7]{26}\b")
_SHORT_ID = re.compile(r"\b(?:run |run#|\()([a-z2-7]{6})\b")
_ROLES = ("on_failure", "on_cancel", "undo")
_RERUNS = 3


class Call(NamedTuple):
    """A port call that has had its effect, or has failed to."""

    port: str
    method: str
    args: tuple[Any, ...]
    outcome: Any
    """What it returned or raised."""


class Names:
    """The names of the runs of one play."""

    def __init__(self, world: World, calls: Sequence[Call]) -> None:
        self._names: dict[str, str] = {}
        self._keys: set[str] = set()
        self._by_function = {program.name: index for index, program in enumerate(world.plan.system.programs)}
        for action in world.plan.actions:
            if action.kind == "ask":
                self._name(world.outside.run_of(action.index, action.id), short(action.key))
        for run, (_index, key) in world.ledger.programs.items():
            self._name(run, short(key))
        for call in calls:
            if call.method == "send":
                for outgoing in call.args[0]:
                    self._name_child(outgoing)

    def _name(self, run: str, name: str) -> None:
        if run not in self._names:
            self._names[run] = name
            for number in range(1, _RERUNS + 1):
                self._names.setdefault(keys.rerun_id(run, number), f"{name}~rerun{number if number > 1 else ''}")
            for role in _ROLES:
                self._names.setdefault(keys.handler_id(run, role), f"{name}!{role}")

    def _name_child(self, outgoing: Outgoing) -> None:
        message = read(outgoing.body)
        if isinstance(message, Start) and message.run not in self._names and message.role == "function":
            data = msgspec.json.decode(message.data, type=dict[str, Any])
            if "key" in data:
                self._name(message.run, short(data["key"]))

    # ---- what is asked -----------------------------------------------------------------------------------------------

    def of(self, run: str) -> str:
        """The name of the run of this id; of another, its beginning."""
        return self._names.get(run) or run[:6]

    def known(self, text: str) -> str:
        """The text, with names in place of ids."""
        return _ID.sub(lambda found: self._names.get(found[0], found[0][:6]), text)

    def mentioned(self, text: str) -> frozenset[str]:
        """The names of the runs whose ids, or beginnings of ids, stand in a text."""
        found = [self._names[id] for id in _ID.findall(text) if id in self._names]
        begun = _SHORT_ID.findall(text)
        return frozenset([*found, *(name for run, name in self._names.items() if run[:6] in begun)])

    def family(self, focus: Iterable[str]) -> frozenset[str]:
        """These runs, their parents, their children, and the handlers of all."""
        chosen = list(focus)
        parents = [name[:place] for name in chosen for place, character in enumerate(name) if character in ">!~"]
        inner = [name for name in self._names.values() if any(name.startswith((f"{one}>", f"{one}!", f"{one}~")) for one in chosen)]
        return frozenset([*chosen, *parents, *inner])

    # ---- what something is about -------------------------------------------------------------------------------------

    def runs_in(self, run: str, args: tuple[Any, ...]) -> list[str]:
        """The runs that a line is about."""
        if run:
            return [self._names.get(run) or short(run)]
        return [name for arg in args if isinstance(arg, Received) for name in self._of_message(read(arg.body))]

    def runs_of(self, call: Call) -> list[str]:
        """The runs that a call is about, each once."""
        found: list[str] = []
        items: list[Item] = call.outcome.items if isinstance(call.outcome, Page) else []
        match call.method, call.args:
            case ("get" | "delete" | "update", (Key() as key, *_)):
                found = self._of_key(*key)
            case ("put", _) if call.port == "table":
                found = self._of_key(call.args[0]["pk"], call.args[0]["sk"])
            case ("write_many" | "transact", (writes,)):
                found = [name for write in writes for name in self._of_key(*write.key)]
            case ("query", (str() as pk, *_)) | ("query_as", (_, str() as pk)) | ("query_as", (_, str() as pk, _)):
                found = self._of_key(pk, "")
            case ("query_index", _):
                found = [name for item in items for name in self._of_key(item["pk"], "")]
            case ("get_many", (many,)):
                found = [name for key in many for name in self._of_key(*key)]
            case ("send", (messages,)):
                found = [name for one in messages for name in self._of_message(read(one.body))]
            case ("arm", (_, _, message)):
                found = self._of_message(read(message.body))
            case ("publish", (entries,)):
                found = [name for entry in entries for name in self._of_event(entry.name, entry.id, msgspec.json.decode(entry.detail))]
            case _:
                pass
        return list(dict.fromkeys(found))

    def _of_key(self, pk: str, sk: str) -> list[str]:
        if pk.startswith("run#"):
            return [self.of(pk[4:])]
        if pk.startswith("wait#") and sk:
            return [self.of(sk.partition("#")[0])]
        event = event_of(pk)
        return [] if event is None else [short(event[1].partition(":")[0])]

    def _of_message(self, message: Message | None) -> list[str]:
        match message:
            case Poke(run=run) | TimerDue(run=run) | Start(run=run) | Cancel(run=run):
                return [self.of(run)]
            case EventMessage(target=target):
                try:
                    event = read_event(message)
                except MessageError:
                    return []
                if not target.startswith(SIGNAL):
                    return [self.of(keys.run_id(target, event.name, event.id))]
                return self._of_event(event.name, event.id, msgspec.json.decode(event.data))
            case Publish(name=name, id=id, detail=detail):
                return self._of_event(name, id, msgspec.json.decode(detail))
            case Delayed(body=body):
                return self._of_message(read(body))
            case Parcel(run=run):
                return [self.of(run)] if run else []
            case None:
                return []

    def _of_event(self, _name: str, _id: str, data: dict[str, Any]) -> list[str]:
        return [short(str(data["key"]).partition(":")[0])] if "key" in data else []


def short(key: str) -> str:
    """A run's key without its parents' programs."""
    return re.sub(r">\d+\.", ">", key)


def read(body: str) -> Message | None:
    """A message; None when it is none."""
    try:
        return decode(body)
    except MessageError:
        return None


def event_of(pk: str) -> tuple[str, str] | None:
    """The name and the key's value of an event, of the pk under which it is kept or waited for; None for any other pk."""
    kind, _, rest = pk.partition("#")
    name, _, matched = rest.partition("#")
    if kind not in ("wait", "event"):
        return None
    return keys.unescape(name).removeprefix("sim/"), keys.unescape(matched.partition("=")[2]).removeprefix("s:")
