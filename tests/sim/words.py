"""Port calls, messages and what else happens in a play, in the words of the domain: "takes the lease (epoch 2)"."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from milepost.engine.messages import SIGNAL, Cancel, Delayed, EventMessage, Message, Parcel, Poke, Publish, Received, Start, TimerDue
from milepost.engine.ports import Change, ConditionFailed, Delete, Key, Page, Put, TransactionFailed, Update, Write
from tests.sim.header_words import header_put, header_update
from tests.sim.names import Call, Names, event_of, read, short

_EVENTS = {"asked": "", "told": "told ", "shown": "shown ", "stop": "stop "}


def clock(ms: int) -> str:
    """Time since the beginning: hours, minutes, seconds."""
    days, rest = divmod(ms, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{f'{days}d ' if days else ''}{hours}:{minutes:02d}:{rest / 1000:06.3f}"


def span(ms: int) -> str:
    """So long, in the unit that suits it."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)):
        if abs(ms) >= size:
            return f"{ms / size:.3g} {unit}"
    return f"{ms} ms"


def until(at_ms: int | None, now_ms: int) -> str:
    """A time, seen from now."""
    if at_ms is None:
        return "never"
    return f"in {span(at_ms - now_ms)}" if at_ms > now_ms else "now" if at_ms == now_ms else f"{span(now_ms - at_ms)} ago"


class Words:
    """Finds them, with the runs' names."""

    def __init__(self, names: Names) -> None:
        self._names = names

    # ---- lines -------------------------------------------------------------------------------------------------------

    def line(self, what: str, args: tuple[Any, ...], now: int) -> str:
        """A line that was told."""
        return self._names.known(_short_keys(what.format(*(self._shown(arg, now) for arg in args))))

    def _shown(self, arg: Any, now: int) -> Any:
        if not isinstance(arg, Received):
            return arg
        again = "" if arg.deliveries == 1 else f", delivery {arg.deliveries}"
        return f"{self.message(arg.body, now)}   [{arg.id}{again}]"

    # ---- calls -------------------------------------------------------------------------------------------------------

    def call(self, call: Call, now: int) -> str:
        """A port call; "" when it is not worth a line."""
        text = self._call(call, now)
        failure = call.outcome
        if text and isinstance(failure, BaseException):
            text += f"   ✗ {self._failure(failure, now)}"
        return self._names.known(_short_keys(text))

    def _call(self, call: Call, now: int) -> str:
        args = call.args
        match call.port, call.method:
            case "queue", "send":
                return "sends: " + " · ".join(self.message(one.body, now) + _delay(one.delay_ms) for one in args[0])
            case "timers", "arm":
                return f"arms a timer: {self.message(args[2].body, now)}"
            case "timers", "disarm":
                return "disarms its timer"
            case "bus", "publish":
                return "publishes " + " · ".join(_event(one.name, msgspec.json.decode(one.detail), one.id) for one in args[0])
            case "blobs", method:
                return "stores a large value" if method == "put" else "fetches a large value"
            case _:
                return self._read(call) if call.method.startswith(("get", "query")) else self._written(call, now)

    def _read(self, call: Call) -> str:
        args, found = call.args, call.outcome
        match call.method:
            case "get":
                return f"reads {self._row(*args[0])}{'' if found else ': nothing'}"
            case "get_many":
                return f"reads {len(args[0])} rows"
            case "query_as":
                return "reads its history" if isinstance(found, BaseException) else f"reads its history ({_count(len(found[0]), 'record')})"
            case "query_index":
                items = found.items if isinstance(found, Page) else []
                runs = ", ".join(self._names.of(item["pk"][4:]) for item in items)
                return f"finds {runs} in {args[1]}" if runs else ""
            case _:
                return self._looked(args[0], found)

    def _looked(self, pk: str, found: Any) -> str:
        event = event_of(pk)
        items = found.items if isinstance(found, Page) else []
        if event is None:
            return f"reads {self._row(pk, '')}: {_count(len(items), 'row')}"
        told = f"{event[0]} {short(event[1])}"
        if pk.startswith("wait#"):
            waiting = [
                self._names.of(item["run"]) + (f" {_path(item['path'])}" if not item.get("cancels") else " (cancel_on)") for item in items
            ]
            return f"looks who waits for {told}: {', '.join(waiting) or 'nobody'}"
        return f"looks for events {told}: {', '.join(repr(item['id']) for item in items) or 'none'}"

    def _written(self, call: Call, now: int) -> str:
        args = call.args
        match call.method:
            case "put":
                return self._write(Put(*args), now, call.outcome)
            case "update":
                return self._write(Update(*args), now, call.outcome)
            case "delete":
                return self._write(Delete(*args), now, call.outcome)
            case _:
                outcomes = _outcomes(call)
                told = [
                    self._write(write, now, None) + (f" ✗ {self._failure(outcome, now)}" if outcome is not None else "")
                    for write, outcome in zip(args[0], outcomes, strict=True)
                ]
                return ("at once: " if call.method == "transact" else "") + " · ".join(_joined(told))

    # ---- writes ------------------------------------------------------------------------------------------------------

    def _write(self, write: Write, now: int, outcome: Any) -> str:
        pk, sk = write.key
        if pk.startswith("run#"):
            return self._of_run(write, sk, now, outcome)
        event = event_of(pk)
        if event is None:
            return f"{type(write).__name__.lower()}s {pk} {sk}"
        told = f"{event[0]} {short(event[1])}"
        if pk.startswith("event#"):
            return f"logs {told} {sk.rpartition('#')[2]!r}"
        _, _, path = sk.partition("#")
        what = f"waits for {told}" if not path.startswith("~cancel") else f"is cancelled by {told}"
        if isinstance(write, Delete):
            return f"deletes a row: {what}"
        return f"writes a row: {what}"

    def _of_run(self, write: Write, sk: str, now: int, outcome: Any) -> str:
        match write:
            case Put(item=item) if sk == "run":
                return header_put(item)
            case Put(item=item) if sk.startswith("step#"):
                return _record(sk[5:], item, now)
            case Update(change=change) if sk == "run":
                return header_update(change, outcome, lambda at: until(at, now))
            case Update(change=change) if sk.startswith("step#"):
                return _completed(sk[5:], change, now)
            case Delete():
                return f"deletes {self._row(write.key.pk, sk)}"
            case _:
                return f"writes {self._row(write.key.pk, sk)}"

    def _row(self, pk: str, sk: str) -> str:
        if not pk.startswith("run#"):
            return f"{pk} {sk}".strip()
        match sk.partition("#"):
            case "run", _, _:
                return "its header"
            case "event", _, _:
                return "its event"
            case "result", _, epoch:
                return f"its result (epoch {epoch})"
            case "step", _, path:
                return f"the record of {_path(path)}"
            case _:
                return "its rows"

    def _failure(self, failure: BaseException, now: int) -> str:
        match failure:
            case ConditionFailed(item=None):
                return "the condition fails: there is none"
            case ConditionFailed(item=dict() as item, key=Key(sk="run")):
                lease = item.get("lease_until")
                held = (
                    "" if lease is None else f", leased until {until(lease, now)}" if lease < now else f", leased for {span(lease - now)}"
                )
                return f"the condition fails: it is {item['status']}, epoch {item.get('epoch', 0)}, inbox {item.get('inbox', 0)}{held}"
            case ConditionFailed(item=dict() as item):
                return f"the condition fails: it is {item.get('status', 'there')}"
            case TransactionFailed(failures=failures):
                return "; ".join(self._failure(one, now) for one in failures if one is not None)
            case KeyError():
                return "there is none"
            case _:
                return f"{type(failure).__name__}: {failure}"

    # ---- messages ----------------------------------------------------------------------------------------------------

    def message(self, body: str, now: int) -> str:
        """A message, in a few words."""
        return self._message(read(body), body, now)

    def _message(self, message: Message | None, body: str, now: int) -> str:
        match message:
            case Poke(run=run):
                return f"a poke for {self._names.of(run)}"
            case TimerDue(run=run, due_at=due_at):
                return f"a timer of {self._names.of(run)}, due {until(due_at, now)}"
            case Start(run=run):
                return f"the start of {self._names.of(run)}"
            case Cancel(run=run):
                return f"a cancel of {self._names.of(run)}"
            case EventMessage(target=target, event=event):
                data = msgspec.json.decode(event.detail)
                whom = "whoever waits" if target.startswith(SIGNAL) else target
                return f"the event {_event(event.detail_type, data, event.id)} for {whom}"
            case Publish(name=name, id=id, detail=detail):
                return f"the event {_event(name, msgspec.json.decode(detail), id)}, to be published"
            case Delayed(due_at=due_at, body=inner):
                return f"{self.message(inner, now)}, not before {until(due_at, now)}"
            case Parcel(run=run):
                return f"a parcel for {self._names.of(run) if run else 'the bus'}"
            case None:
                return f"poison: {body}"


def _event(name: str, data: dict[str, Any], id: str) -> str:
    shown = _EVENTS.get(name.removeprefix("sim/"), f"{name} ")
    key = short(str(data.get("key", "")))
    return f"{id!r}" if not shown else f"{shown}{key} {data.get('mark', id)!r}{'' if data.get('good', True) else ' (bad)'}"


def _record(path: str, item: dict[str, Any], now: int) -> str:
    kind, status, name = item["kind"], item["status"], _path(path)
    if status == "pending":
        due = item.get("due_at")
        again = f", {_count(item['attempts'], 'attempt')} made" if item.get("attempts") else ""
        return f"records {name} pending ({kind}{again}{'' if due is None else f', due {until(due, now)}'})"
    error = item.get("error")
    return f"records {name} {status} ({kind}{'' if error is None else ': ' + error['message'][:60]})"


def _completed(path: str, change: Change, now: int) -> str:
    values = dict(change.set)
    if "status" not in values:
        return f"moves {_path(path)} to {until(values.get('due_at'), now)}"
    detail = values.get("detail", {})
    of = f" by {detail['event']!r}" if "event" in detail else ""
    return f"completes {_path(path)}{of}" if values["status"] == "completed" else f"records {_path(path)} {values['status']}"


def _outcomes(call: Call) -> list[ConditionFailed | None]:
    """One for each write; of a transaction and of a call that failed there are none."""
    if call.method != "write_many" or isinstance(call.outcome, BaseException):
        return [None] * len(call.args[0])
    outcomes: list[ConditionFailed | None] = call.outcome
    return outcomes


def _joined(told: list[str]) -> list[str]:
    """What begins alike is said once: "writes a row: waits for told k0:n1, shown k0:n1"."""
    found: dict[str, list[str]] = {}
    for one in dict.fromkeys(told):
        head, separator, rest = one.partition(" for ") if " row: waits for " in one else one.partition("records ")
        found.setdefault(head + separator, []).append(rest)
    return [head + ", ".join(rests) for head, rests in found.items()]


def _path(path: str) -> str:
    """A step's place, without the scope that every step of an async program has."""
    return path.replace("drive_async/", "")


def _delay(ms: int) -> str:
    return f" in {span(ms)}" if ms else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _short_keys(text: str) -> str:
    return re.sub(r">\d+\.", ">", text)
