"""What must hold after every write, and when everything has come to rest.

After every write: a run moves only as the table of lifecycle.py says, what is terminal stays as it is, a lease is taken only
when it is free, and what a step has recorded is never changed. At rest: every run has ended and is settled, and nothing is
left in queues, waits, timers and the index of what is due.

Reads items only. Knows nothing of how they came to be written; what bodies saw is the ledger's.
"""

from collections.abc import Callable, Iterable

from milepost.engine.lifecycle import MOVES
from milepost.engine.ports import Item, Key
from milepost.runs import RunStatus
from tests.sim.families import Families
from tests.sim.progress import Progress, Writer

_LEGAL = frozenset((None if before is None else before.value, after.value) for (before, _), after in MOVES.items())
_TERMINAL = frozenset(status.value for status in RunStatus if status.is_terminal)
_OUTCOME = ("status", "result", "error", "ended_in", "ended_at", "reason")
"""What an ended run's header keeps for ever."""
_WORD = ("kind", "status", "value", "error")
"""What a final record keeps for ever."""
LATE_MS = 600_000
"""An event that was logged this long before a wait timed out had not just been missed: longer than any freeze."""


class Broken(AssertionError):
    """A law does not hold. `law` is the same word for the same law, whatever the seed."""

    def __init__(self, law: str, what: str) -> None:
        super().__init__(f"{law}: {what}")
        self.law = law


class Laws:
    """Watches what is written."""

    def __init__(self, now: Callable[[], int], who: Callable[[], Writer | None], *, skew_ms: int) -> None:
        self._now = now
        self._who = who
        self.progress = Progress(now, who)
        self._skew_ms = skew_ms
        self.logged: dict[tuple[str, str], int] = {}
        """When the row of an event was first written."""
        self.timed_out: dict[tuple[str, str], int] = {}
        """When a wait was recorded as timed out."""
        self.due: dict[tuple[str, str], int] = {}
        """When it was to."""
        self.settled: dict[str, int] = {}
        """When a run was first settled."""
        self._settlers: dict[str, Writer | None] = {}
        """Who did that."""
        self._ended: dict[str, None] = {}
        """The runs that have ended."""
        self.cancelled: dict[str, int] = {}
        """When a run was cancelled."""
        self.waits: dict[tuple[str, str], int] = {}
        """When the row of a wait was last written."""
        self.sleeps: dict[tuple[str, str], list[tuple[str, int]]] = {}
        """By run and name: where a sleep of that name is, and when it is due."""
        self.families = Families(now)

    # ---- after every write -------------------------------------------------------------------------------------------

    def wrote(self, key: Key, before: Item | None, after: Item | None) -> None:
        """One item has changed. Raises Broken."""
        if key.pk.startswith("run#"):
            if key.sk == "run":
                self._header(key.pk, before, after)
            elif key.sk.startswith("step#"):
                self._step(key, before, after)
        elif key.pk.startswith("event#") and after is not None:
            self.logged.setdefault(key, self._now())
        elif key.pk.startswith("wait#") and after is not None:
            self.waits[key] = self._now()

    def _header(self, pk: str, before: Item | None, after: Item | None) -> None:
        if after is None:
            raise Broken("a run is kept", f"{pk} is gone")
        was, status = None if before is None else before["status"], after["status"]
        if (wrong := self.progress.header(pk, before, after)) is not None:
            raise Broken("only the holder suspends and ends", wrong)
        if was != status and (was, status) not in _LEGAL:
            raise Broken("a run moves as the table says", f"{pk}: {was} -> {status}")
        self._note_end(pk, status)
        if "settled_at" in after and pk not in self.settled:
            if status not in _TERMINAL:
                raise Broken("only what has ended is settled", f"{pk} is {status}")
            self.settled[pk] = self._now()
            self._settlers[pk] = self._who()
        if before is None:
            return
        if was in _TERMINAL:
            changed = [name for name in _OUTCOME if before.get(name) != after.get(name)]
            if changed:
                raise Broken("terminal is absorbing", f"{pk}: {', '.join(f'{n} {before.get(n)!r} -> {after.get(n)!r}' for n in changed)}")
        epochs = before.get("epoch", 0), after.get("epoch", 0)
        if epochs[1] not in (epochs[0], epochs[0] + 1):
            raise Broken("epochs count one by one", f"{pk}: {epochs[0]} -> {epochs[1]}")
        until = before.get("lease_until")
        if epochs[1] > epochs[0] and until is not None and until > self._now() + self._skew_ms:
            raise Broken("one holder at a time", f"{pk}: taken {until - self._now()} ms before its lease ends")

    def _note_end(self, pk: str, status: str) -> None:
        if status in _TERMINAL:
            self._ended[pk] = None
            if status == "cancelled":
                self.cancelled.setdefault(pk, self._now())

    def _step(self, key: Key, before: Item | None, after: Item | None) -> None:
        if after is not None:
            self.progress.step(key, before, after)
            if after["kind"] == "invoke":
                self._answered(key, after)
        if after is not None:
            self.families.wrote(key, before, after)
        if before is None:
            self._note_time_out(key, before, after)
            if after is not None and after["kind"] == "sleep":
                self.sleeps.setdefault((key.pk, key.sk.rpartition("/")[2].removeprefix("step#")), []).append((key.sk, after["due_at"]))
            return
        if after is None:
            raise Broken("a record is kept", f"{key.pk} {key.sk} is gone")
        if before["kind"] != after["kind"]:
            raise Broken("a record keeps its kind", f"{key.pk} {key.sk}: {before['kind']} -> {after['kind']}")
        if before["status"] != "pending":
            changed = [name for name in _WORD if before.get(name) != after.get(name)]
            if changed:
                raise Broken(
                    "a step has one result",
                    f"{key.pk} {key.sk}: {', '.join(f'{n} {before.get(n)!r} -> {after.get(n)!r}' for n in changed)}",
                )
        else:
            self._note_time_out(key, before, after)

    def _answered(self, key: Key, after: Item) -> None:
        """A step that invokes has an end: the child's own, unless the parent has waited long enough, or cancelled it."""
        detail = after.get("detail", {})
        is_answer = after["status"] in ("completed", "failed") and "late" not in detail
        if is_answer and f"run#{detail['child']}" not in self._ended:
            raise Broken("a child answers when it has ended", f"{key.pk} {key.sk}: run {detail['child']} has not")

    def _note_time_out(self, key: Key, before: Item | None, after: Item | None) -> None:
        if after is not None and after["kind"] == "wait" and after["status"] == "completed" and after.get("detail", {}).get("index") == -1:
            self.timed_out[key] = self._now()
            self.due[key] = 0 if before is None else before["due_at"]

    # ---- at rest -----------------------------------------------------------------------------------------------------

    def at_rest(self, items: Iterable[Item], *, messages: list[str], timers: list[str]) -> None:
        """Nothing happens any more. Raises Broken."""
        runs: dict[str, Item] = {}
        waits: list[Item] = []
        records: dict[str, list[Item]] = {}
        events: dict[str, list[Item]] = {}
        for item in items:
            pk, sk = item["pk"], item["sk"]
            if pk.startswith("run#"):
                if sk == "run":
                    runs[pk] = item
                elif sk.startswith("step#") and item["kind"] == "wait":
                    records.setdefault(pk, []).append(item)
            elif pk.startswith("wait#"):
                waits.append(item)
            elif pk.startswith("event#"):
                events.setdefault(pk, []).append(item)
        for pk, header in runs.items():
            self._at_its_end(pk, header)
        _one_handler_each(runs)
        for row in waits:
            self._wanted(row)
        if messages:
            raise Broken("queues are empty at rest", messages[0])
        if timers:
            raise Broken("no timer is left at rest", timers[0])
        for pk, of_run in records.items():
            self._nothing_lost(pk, runs[pk], of_run, events)

    def _at_its_end(self, pk: str, header: Item) -> None:
        if header["status"] not in _TERMINAL:
            said = {name: header.get(name) for name in ("owner", "lease_until", "inbox", "covered", "epoch", "next_due", "armed", "reason")}
            raise Broken("every run ends", f"{header['function']} {pk} is {header['status']}: {said}")
        is_tombstone = header["status"] == "cancelled" and not header.get("born_by") and "rerun_of" not in header
        if "settled_at" not in header and not is_tombstone:
            raise Broken("every end is settled", f"{header['function']} {pk} is {header['status']} and not settled")
        if "due_shard" in header:
            raise Broken("nothing that has ended is due", f"{header['function']} {pk} is in {header['due_shard']}")

    def _wanted(self, row: Item) -> None:
        pk = f"run#{row['run']}"
        settled_at, settler = self.settled.get(pk), self._settlers.get(pk)
        if "~cancel" in row["sk"] and settler is not None and not settler.is_alive:
            return  # these rows go last, when the end is settled: of a client that dies before that the rest expires, and wakes nobody
        # What a thawed worker writes after the end nobody can take away; it expires.
        if settled_at is not None and self.waits[Key(row["pk"], row["sk"])] <= settled_at:
            raise Broken("no wait is left at rest", f"{row['pk']} {row['sk']}")

    def _nothing_lost(self, pk: str, header: Item, records: list[Item], events: dict[str, list[Item]]) -> None:
        """A wait that timed out had nothing to get."""
        consumed = {record["detail"]["event"] for record in records if "event" in record.get("detail", {})}
        for record in records:
            timed_out_at = self.timed_out.get((pk, record["sk"]))
            if timed_out_at is None:
                continue
            detail = record["detail"]
            for _name, _keys, wait_pk in detail["waits"]:
                for row in events.get(wait_pk.replace("wait#", "event#", 1), ()):
                    logged_at = self.logged[Key(row["pk"], row["sk"])]
                    is_in_time = detail["since"] <= row["at"] <= self.due[pk, record["sk"]] and logged_at < timed_out_at - LATE_MS
                    is_own = row["id"] in consumed or row["id"] == header.get("event_id")
                    if is_in_time and not is_own and '"good":false' not in row["data"]["text"]:  # what predicates ask for
                        raise Broken(
                            "no event is lost", f"{pk} {record['sk']} timed out, {row['id']} was there for {timed_out_at - logged_at} ms"
                        )


def _one_handler_each(runs: dict[str, Item]) -> None:
    """Whatever the end of a run starts is started once."""
    handlers: dict[tuple[str, str], str] = {}
    for pk, header in runs.items():
        if "subject" in header:
            first = handlers.setdefault((header["subject"], header["role"]), pk)
            if first != pk:
                raise Broken("an end has one handler", f"{header['subject']} has {first} and {pk}, each a {header['role']}")
