"""The app of a system of programs: each program as a durable function, `def` or `async def`, that tells what it does.

A run is known by its key. That of a run that an event starts is the event's; a child's is made of its parent's key, the
parent's index and the place that invokes it: ``k>0.n3``. An awaited event's key is the run's and the wait's: ``k:n5``.
"""

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, Final
from zlib import crc32

import msgspec

from milepost import App, AsyncStep, Failure, Function, Retry, Step, Trigger
from milepost.functions import FunctionDefinition, make_function
from milepost.step import AnyStep
from tests.sim.deeds import Asked, AsyncDeeds, Deeds, Outside, Shown, Stop, Told
from tests.sim.interpreter import Interpreter
from tests.sim.programs import BRANCHED, FIRM, WAITS, Node, Program, System, child_keys, flat, places

__all__ = ["Asked", "Awaited", "Built", "Outside", "Shown", "Stop", "Told", "awaited", "build", "child_keys"]

FUNCTION_RETRY: Final = Retry(retries=2, delays=(timedelta(seconds=1), timedelta(minutes=1)), jitter=0)


class Awaited(msgspec.Struct, frozen=True):
    """One event that a run of a system will wait for, if it gets there."""

    key: str
    """The event's."""
    run: str
    """The run's key."""
    path: str
    is_shown: bool
    """It is a Shown, not a Told."""
    is_firm: bool
    """It has no time-out to speak of: without the event the run goes nowhere."""


class Built(msgspec.Struct, frozen=True):
    """A system's app, and the events for it."""

    app: App
    functions: tuple[Function[Any, Any], ...]

    def asked(self, index: int, key: str) -> Asked:
        """Starts program ``index`` as the run of this key."""
        return Asked(program=index, key=key)

    def told(self, awaited: Awaited, mark: str, *, good: bool = True) -> Told:
        """An event for a wait."""
        return (Shown if awaited.is_shown else Told)(key=awaited.key, mark=mark, good=good)

    def stop(self, key: str) -> Stop:
        """Cancels the run of this key, if its program has ``cancel_on``."""
        return Stop(key=key)


def build(system: System, outside: Outside, *, version: int = 1) -> Built:
    """The app of a system, whose bodies tell ``outside`` what they do. Of a later version than 1: the same with a step more here
    and there, as a deploy may bring it.
    """
    app = App("sim")
    for event in _templates().definitions.events.values():
        app.definitions.add_event(event, __file__)
    functions: list[Function[Any, Any]] = []
    for index, program in enumerate(system.programs):
        definition = _definition(index, program, outside, functions, version)
        app.definitions.add_function(definition, __file__)
        functions.append(make_function(definition))
    app.definitions._version = f"v{version}"  # pyright: ignore[reportPrivateUsage]
    return Built(app, tuple(functions))


def awaited(system: System, index: int, key: str) -> list[Awaited]:
    """All that a run of program ``index`` under this key may wait for, and its children, and theirs."""
    found: list[Awaited] = []
    for place in places(system.programs[index].root):
        node = place.node
        if node.op in WAITS:
            firm = node.amount == FIRM
            found.append(Awaited(f"{key}:{place.path}", key, place.path, is_shown=False, is_firm=firm))
            if node.op == "any":
                found.append(Awaited(f"{key}:{place.path}", key, place.path, is_shown=True, is_firm=firm))
        for child in child_keys(index, key, place.path, node):
            found += awaited(system, node.target, child)
    return found


# ---- functions -------------------------------------------------------------------------------------------------------
#
# Registering takes milliseconds, most of them for checks. So a function of each shape is registered once, in an app of
# templates, and gets the bodies of its system afterwards: methods, whose annotations are read once, too.


class Bodies:
    """The bodies of one program."""

    def __init__(self, index: int, root: Node, outside: Outside, functions: list[Function[Any, Any]], version: int) -> None:
        self._index = index
        self._root = root
        self._outside = outside
        self._functions = functions
        self._new = _renewed(root) if version > 1 and not any(node.op == "compensate" for node in flat(root)) else frozenset[str]()

    def body(self, event: Asked, step: Step) -> Any:
        return self._interpreter(event, step, Deeds(step.run_id, self._outside)).go(step, self._root, "")

    async def async_body(self, event: Asked, step: AsyncStep) -> Any:
        return await self._interpreter(event, step, AsyncDeeds(step.run_id, self._outside)).go(step, self._root, "")

    def _interpreter(self, event: Asked, step: AnyStep, deeds: Deeds | AsyncDeeds) -> Interpreter:
        self._outside.opens(step.run_id, self._index, event.key)
        return Interpreter(
            self._index, event.key, step.run_id, self._outside, self._functions, deeds, is_frozen=_is_frozen(step), new=self._new
        )

    def on_failure(self, event: Asked, step: Step, failure: Failure) -> str:
        return step.run("told", Deeds(failure.run_id, self._outside).work, "on_failure", 0)

    def on_cancel(self, event: Asked, step: Step, failure: Failure) -> str:
        return step.run("told", Deeds(failure.run_id, self._outside).work, "on_cancel", 0)


def _renewed(node: Node, *, is_alone: bool = True) -> frozenset[str]:
    """The nodes that a deploy brings a step before: where nothing else goes on at the same time, whose order it would change. (Before
    a step with a compensation it would pause the undo.)
    """
    within = is_alone and node.op not in BRANCHED and node.op != "within"
    found = frozenset(name for child in node.children for name in _renewed(child, is_alone=within))
    return found | {node.name} if is_alone and node.name != "root" and crc32(node.name.encode()) % 4 == 0 else found


def _definition(index: int, program: Program, outside: Outside, functions: list[Function[Any, Any]], version: int) -> FunctionDefinition:
    waits = any(node.op in WAITS for node in flat(program.root))
    shape = _shape(index, program.is_async, waits, program.cancel_on, program.has_on_failure, program.has_on_cancel)
    bodies = Bodies(index, program.root, outside, functions, version)
    return replace(
        shape,
        name=program.name,
        body=bodies.async_body if program.is_async else bodies.body,
        on_failure=shape.on_failure and replace(shape.on_failure, name=f"{program.name}.on_failure", body=bodies.on_failure),
        on_cancel=shape.on_cancel and replace(shape.on_cancel, name=f"{program.name}.on_cancel", body=bodies.on_cancel),
    )


@cache
def _templates() -> App:
    app = App("sim")
    app.event("sim/asked", keys=("key",))(Asked)
    app.event("sim/told", keys=("key",))(Told)
    app.event("sim/shown", keys=("key",))(Shown)
    app.event("sim/stop", keys=("key",))(Stop)
    return app


@cache
def _shape(index: int, is_async: bool, waits: bool, cancels: bool, has_on_failure: bool, has_on_cancel: bool) -> FunctionDefinition:
    def body(event: Asked, step: Step) -> Any: ...
    async def async_body(event: Asked, step: AsyncStep) -> Any: ...
    def on_end(event: Asked, step: Step, failure: Failure) -> str: ...  # type: ignore[empty-body]

    options = (index, is_async, waits, cancels, has_on_failure, has_on_cancel)
    register: Any = _templates().function(
        on=Trigger(Asked, where={"program": [index]}),
        name="-".join(["p", *(str(int(option)) for option in options)]),
        retry=FUNCTION_RETRY,
        waits_for=[Told, Shown] if waits else [],
        cancel_on=[Stop] if cancels else [],
        on_failure=on_end if has_on_failure else None,
        on_cancel=on_end if has_on_cancel else None,
    )
    definition: FunctionDefinition = register(async_body if is_async else body).definition
    return definition


def _is_frozen(step: Any) -> bool:
    """The run has ended, and is replayed for its compensations, say: then the branches that lost are gone through, too, and see
    that nobody waits for them any more. No body can tell; what it saw is no news of the run.
    """
    frozen: bool = step._slice.frozen
    return frozen
