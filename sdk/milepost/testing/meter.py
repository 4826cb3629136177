"""Counts what the engine asks of the table and of the other services. Cost is a feature."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from milepost.engine.ports import Change, Condition, ConditionFailed, Delete, Index, Item, Key, Page, Put, Table, Update, Write
from milepost.runs import Run
from milepost.testing.sizes import chunks, index_units, read_units, size, units
from milepost.testing.usage import SERVICES, Count, RunCount, Service, Usage, place_of


class Meter:
    """Counts since the box was opened, of worker and test together."""

    def __init__(self) -> None:
        self._all = Count()
        self._runs: dict[str, RunCount] = {}
        self._requests = 0
        self._services: dict[Service, int] = dict.fromkeys(SERVICES, 0)
        self._sizes: dict[str, dict[str, int]] = {}

    @property
    def writes(self) -> int:
        """Table items written; a transaction of k items counts k; a write whose condition failed counts too, as on AWS."""
        return self._all.writes

    @property
    def units(self) -> int:
        """Write units of 1 KB each, those of the indexes included."""
        return self._all.units

    @property
    def reads(self) -> int:
        """Get and query operations."""
        return self._all.reads

    @property
    def requests(self) -> int:
        """Calls of the table."""
        return self._requests

    @property
    def usage(self) -> Usage:
        """All of it by service, as it is now: what `milepost cost` makes a bill of."""
        total = self._all
        return Usage(
            writes=total.writes,
            units=total.units,
            reads=total.reads,
            read_units=total.read_units,
            requests=self._requests,
            **{str(service): times for service, times in self._services.items()},
        )

    def of(self, run: str | Run[Any], /) -> RunCount:
        """What one run, or the run of this id, has asked of the table, and each of its steps. Nothing for a run that there is not."""
        return self._runs.get(run if isinstance(run, str) else run.id, RunCount())

    # ---- for milepost's own use --------------------------------------------------------------------------------------

    def read(self, key: Key | None = None, *, bytes_read: int = 0, consistent: bool = True) -> None:
        """Count a read; for milepost's own use."""
        self._requests += 1
        self.looked_at(key, bytes_read=bytes_read, consistent=consistent)

    def looked_at(self, key: Key | None, *, bytes_read: int, consistent: bool = True) -> None:
        """Count one read of a request that may hold several; for milepost's own use."""
        for count in self._counts(key):
            count.reads += 1
            count.read_units += read_units(bytes_read, consistent=consistent)

    def wrote(self, key: Key, before: Item | None, after: Item | None) -> None:
        """Count one item written: its larger size, and every index entry that changed; for milepost's own use."""
        grown = 0 if after is None else size(after)
        self._wrote(key, units(max(0 if before is None else size(before), grown)) + index_units(before, after))
        if after is None:
            self._sizes.get(key.pk, {}).pop(key.sk, None)
        else:
            self._sizes.setdefault(key.pk, {})[key.sk] = grown

    def refused(self, key: Key, item: Item | None) -> None:
        """Count a conditional write that failed; for milepost's own use."""
        self._wrote(key, units(0 if item is None else size(item)))

    def asked(self) -> None:
        """Count a request that writes; for milepost's own use."""
        self._requests += 1

    def delivered(self, body: str, deliveries: int) -> None:
        """Count a message that the worker was given: an invocation, and its sending when it is the first time; for milepost's
        own use.
        """
        self.used("invocations")
        self.used("queue_requests", (3 if deliveries <= 1 else 2) * chunks(body))

    def used(self, service: Service, times: int = 1) -> None:
        """Count a use of another service, by its name in `Usage`; for milepost's own use."""
        self._services[service] += times

    def bytes_in(self, pk: str, prefix: str, after: str | None, until: str | None) -> int:
        """What the items of a part weigh, by what was written of them: for a read that does not show them whole."""
        held = self._sizes.get(pk, {})
        return sum(
            weight
            for sk, weight in held.items()
            if sk.startswith(prefix) and (after is None or sk > after) and (until is None or sk <= until)
        )

    def _wrote(self, key: Key, units_written: int) -> None:
        for count in self._counts(key):
            count.writes += 1
            count.units += units_written

    def _counts(self, key: Key | None) -> Sequence[Count]:
        """Whom it is counted for: the box, the run, and the step."""
        place = None if key is None else place_of(key)
        if place is None:
            return (self._all,)
        run, path = place
        of_run = self._runs.setdefault(run, RunCount())
        return (self._all, of_run, of_run.steps.setdefault(path, Count())) if path else (self._all, of_run)


S = TypeVar("S")
Look: TypeAlias = Callable[[Key], Item | None]


class MeteredTable:
    """`Table` of ports.py that counts for a meter. It reads before it writes, to see what changes; that is not counted. ``look``:
    how it reads, if not by the table itself.
    """

    def __init__(self, table: Table, meter: Meter, look: Look | None = None) -> None:
        self._table = table
        self._meter = meter
        self._look = table.get if look is None else look

    def get(self, key: Key, *, consistent: bool = True) -> Item | None:
        item = self._table.get(key, consistent=consistent)
        self._meter.read(key, bytes_read=0 if item is None else size(item), consistent=consistent)
        return item

    def get_many(self, keys: Sequence[Key]) -> list[Item]:
        items = {(item["pk"], item["sk"]): item for item in self._table.get_many(keys)}
        self._meter.asked()
        for key in keys:
            self._meter.looked_at(key, bytes_read=size(items[key]) if key in items else 0)
        return list(items.values())

    def query(self, pk: str, prefix: str = "", **options: Any) -> Page:
        page = self._table.query(pk, prefix, **options)
        weight = sum(size(item) for item in page.items)
        self._meter.read(Key(pk, ""), bytes_read=weight, consistent=options.get("consistent", True))
        return page

    def query_as(self, shape: type[S], pk: str, prefix: str = "", *, after: str | None = None) -> tuple[list[S], str | None]:
        found, following = self._table.query_as(shape, pk, prefix, after=after)
        self._meter.read(Key(pk, ""), bytes_read=self._meter.bytes_in(pk, prefix, after, following))
        return found, following

    def query_index(self, index: Index, value: str, **options: Any) -> Page:
        page = self._table.query_index(index, value, **options)
        self._meter.read(None, bytes_read=sum(size(item) for item in page.items), consistent=False)
        return page

    def put(self, item: Item, only_if: Condition | None = None) -> None:
        self._meter.asked()
        key = Key(item["pk"], item["sk"])
        before = self._before(key)
        self._counted(key, before, lambda: self._table.put(item, only_if))
        self._meter.wrote(key, before, item)

    def update(self, key: Key, change: Change, only_if: Condition | None = None) -> Item:
        self._meter.asked()
        before = self._before(key)
        after: Item = self._counted(key, before, lambda: self._table.update(key, change, only_if))
        self._meter.wrote(key, before, after)
        return after

    def delete(self, key: Key, only_if: Condition | None = None) -> None:
        self._meter.asked()
        before = self._before(key)
        self._counted(key, before, lambda: self._table.delete(key, only_if))
        self._meter.wrote(key, before, None)

    def write_many(self, writes: Sequence[Write]) -> list[ConditionFailed | None]:
        self._meter.asked()
        befores = [self._before(write.key) for write in writes]
        outcomes = self._table.write_many(writes)
        for write, before, failure in zip(writes, befores, outcomes, strict=True):
            if failure is None:
                self._meter.wrote(write.key, before, self._after(write))
            else:
                self._meter.refused(write.key, failure.item)
        return outcomes

    def transact(self, writes: Sequence[Write]) -> None:
        self._meter.asked()
        befores = [self._before(write.key) for write in writes]
        self._table.transact(writes)
        for write, before in zip(writes, befores, strict=True):
            self._meter.wrote(write.key, before, self._after(write))

    def _before(self, key: Key) -> Item | None:
        return self._look(key)

    def _after(self, write: Write) -> Item | None:
        match write:
            case Put(item):
                return item
            case Update(key):
                return self._look(key)
            case Delete():
                return None

    def _counted(self, key: Key, before: Item | None, call: Any) -> Any:
        try:
            return call()
        except ConditionFailed:
            self._meter.refused(key, before)
            raise
