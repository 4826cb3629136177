"""What a person asks of a state file and the engine never does: runs by the beginning of their id, the functions there are,
how much is under way. Reads the table ``items`` across its keys, which only a local file can.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from milepost.events import EventType
from milepost.functions import Definitions, FunctionDefinition
from milepost.local.store import Store


class UnderWay(msgspec.Struct, frozen=True):
    """Runs that have not ended."""

    waiting: int
    """Those that will go on by themselves."""
    paused: int


class Catalog:
    """Questions across runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def runs_like(self, prefix: str, limit: int = 10) -> list[str]:
        """At most ``limit`` ids of runs that begin so, in order."""
        sql = "SELECT substr(pk, 5) FROM items WHERE pk >= ? AND pk < ? AND sk = 'run' LIMIT ?"
        first = f"run#{prefix}"
        rows = self._store.read(lambda conn: conn.execute(sql, (first, first + "\x7f", limit)).fetchall())
        return [row[0] for row in rows]

    def functions(self) -> list[str]:
        """The functions that have runs here, whether their app still has them or not; undo runs count as their function's."""
        sql = "SELECT DISTINCT fn_shard FROM items WHERE fn_shard IS NOT NULL"
        rows = self._store.read(lambda conn: conn.execute(sql).fetchall())
        return sorted({row[0].rpartition("#")[0].removesuffix(".undo") for row in rows})

    def under_way(self) -> UnderWay:
        """How many runs have been begun and not ended, those of this moment's slices apart."""
        sql = "SELECT due_shard LIKE 'paused#%', count(*) FROM items WHERE due_shard IS NOT NULL GROUP BY 1"
        counts = dict(self._store.read(lambda conn: conn.execute(sql).fetchall()))
        return UnderWay(waiting=counts.get(0, 0), paused=counts.get(1, 0))


def untyped(app: str, functions: Iterable[str], events: Mapping[str, str | None]) -> Definitions:
    """An app of which only names are known, of its events the sources as well: any JSON fits its events and results. For clients
    that do not have its code.
    """
    definitions = Definitions(app)
    for name, source in sorted(events.items()):
        definitions.add_event(EventType(name, type("AnyData", (dict,), {}), source=source), "the state file")
    for name in sorted(set(functions)):
        definitions.add_function(FunctionDefinition(name=name, body=_unknown, data_body=_any_data), "the state file")
    return definitions


def _unknown(_event: Any, _step: Any) -> Any:
    raise NotImplementedError("a client has no code to run")


def _any_data(data: Any) -> None:
    """Stands for the first parameter of a body that is not known."""
