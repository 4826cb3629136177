"""How a bug is planted: names of the engine stand for something else while it lasts, and no file is changed.

Most are a wrapper around one function, some only leave a condition of a write out, few are a function written anew.
"""

import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple, TypeAlias

import msgspec

from milepost.engine.ports import And, Change, Condition, Item, Key, Or
from tests.sim.faults import Rates
from tests.sim.plan import Plan, lossless

Patch: TypeAlias = tuple[Any, str, Any]
"""Of an object, a name, and what it stands for while the bug is planted."""
Focus: TypeAlias = Callable[[Plan], Plan]
"""Other rates for a seed: where what the bug needs comes together too rarely."""


class Mutant(NamedTuple):
    """One bug."""

    name: str
    what: str
    """What the engine does now."""
    patches: Callable[[], Iterable[Patch]]
    focus: Focus | None = None
    focused_on: str = ""

    @contextmanager
    def planted(self) -> Generator[None]:
        """The engine has this bug."""
        before: list[Patch] = []
        owner: Any
        mutated: Any
        try:
            for owner, name, mutated in self.patches():
                before.append((owner, name, owner.__dict__[name]))
                setattr(owner, name, mutated)
            yield
        finally:
            for owner, name, original in reversed(before):
                setattr(owner, name, original)


class Garden:
    """The mutants of a module, in order."""

    def __init__(self) -> None:
        self.mutants: list[Mutant] = []

    def mutant(
        self, name: str, what: str, *, focus: Focus | None = None, focused_on: str = ""
    ) -> Callable[[Callable[[], Iterable[Patch]]], Callable[[], Iterable[Patch]]]:
        """The function says what to patch."""

        def keep(patches: Callable[[], Iterable[Patch]]) -> Callable[[], Iterable[Patch]]:
            self.mutants.append(Mutant(name, what, patches, focus, focused_on))
            return patches

        return keep


def engine(module: str) -> Any:
    """A module of the engine, with all that is in it: bugs are planted where no door leads."""
    return import_module(f"milepost.engine.{module}")


def everywhere(function: Any, mutated: Any) -> list[Patch]:
    """Patches of a function of the engine in each module that knows it."""
    modules = [module for name, module in sys.modules.items() if name.startswith("milepost.")]
    return [(module, name, mutated) for module in modules for name, value in list(vars(module).items()) if value is function]


def gives(value: Any) -> Callable[..., Any]:
    """What gives this, and does nothing."""
    return lambda *_, **__: value


# ---- conditions and changes ------------------------------------------------------------------------------------------


class Careless:
    """A table whose updates leave a part of their conditions out, or change something else."""

    def __init__(self, table: Any, without: frozenset[str], changed: Callable[[Change], Change]) -> None:
        self._table = table
        self._without = without
        self._changed = changed

    def update(self, key: Key, change: Change, only_if: Condition | None = None) -> Item:
        item: Item = self._table.update(key, self._changed(change), loosened(only_if, self._without))
        return item

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)


def careless(function: Any, *fields: str, change: Callable[[Change], Change] = lambda change: change) -> list[Patch]:
    """The function of lease.py, whose first argument is the table, forgets all that its condition says of these fields."""

    def mutated(table: Any, *args: Any, **kwargs: Any) -> Any:
        return function(Careless(table, frozenset(fields), change), *args, **kwargs)

    return everywhere(function, mutated)


def loosened(condition: Condition | None, fields: frozenset[str]) -> Condition | None:
    """The condition without what it says of the fields."""
    match condition:
        case None:
            return None
        case And(conditions):
            return And(tuple(kept for each in conditions if (kept := loosened(each, fields)) is not None))
        case Or(conditions):
            kept_of = [loosened(each, fields) for each in conditions]
            return None if None in kept_of else Or(tuple(kept for kept in kept_of if kept is not None))
        case _:
            return None if condition.field in fields else condition


ANYWAY = And(())
"""A condition that always holds."""


# ---- rates -----------------------------------------------------------------------------------------------------------


def rates(**changes: Any) -> Focus:
    """These rates; the others as the seed has them."""
    return lambda plan: msgspec.structs.replace(plan, rates=msgspec.structs.replace(plan.rates, **changes))


def lossless_with(**changes: Any) -> Focus:
    """These rates, and nothing that only the sweeper makes good."""
    change = rates(**changes)
    return lambda plan: change(lossless(plan))


def calm(**changes: Any) -> Focus:
    """These rates, and no others: no faults besides, and no sweeper."""

    def focus(plan: Plan) -> Plan:
        drawn = msgspec.structs.replace(Rates(cold=plan.rates.cold, concurrency=plan.rates.concurrency, sweeper=False), **changes)
        actions = tuple(action for action in plan.actions if action.kind not in ("poison", "redrive"))
        return msgspec.structs.replace(plan, rates=drawn, actions=actions)

    return focus
