"""The app of a system of programs: each program as a durable function, `def` or `async def`, that tells what it does.

A run is known by its key. That of a run that an event starts is the event's; a child's is made of its parent's key, the
parent's index and the place that invokes it: ``k>0.n3``. An awaited event's key is the run's and the wait's: ``k:n5``.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import msgspec

from milepost import App, AsyncStep, Failure, Function, Retry, Step, Trigger
from tests.sim.deeds import Asked, AsyncDeeds, Deeds, Outside, Shown, Stop, Told
from tests.sim.interpreter import Interpreter
from tests.sim.programs import FIRM, WAITS, Program, System, child_keys, places

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


def build(system: System, outside: Outside) -> Built:
    """The app of a system, whose bodies tell ``outside`` what they do."""
    app = App("sim")
    app.event("sim/asked", keys=("key",))(Asked)
    app.event("sim/told", keys=("key",))(Told)
    app.event("sim/shown", keys=("key",))(Shown)
    app.event("sim/stop", keys=("key",))(Stop)
    functions: list[Function[Any, Any]] = []
    for index, program in enumerate(system.programs):
        functions.append(_function(app, index, program, outside, functions))
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


def _function(app: App, index: int, program: Program, outside: Outside, functions: list[Function[Any, Any]]) -> Function[Any, Any]:
    def on_end(role: str) -> Callable[[Asked, Step, Failure], str]:
        def handler(event: Asked, step: Step, failure: Failure) -> str:
            return step.run("told", Deeds(failure.run_id, outside).work, role, 0)

        return handler

    def body(event: Asked, step: Step) -> Any:
        outside.opens(step.run_id, index, event.key)
        deeds = Deeds(step.run_id, outside)
        return Interpreter(index, event.key, step.run_id, outside, functions, deeds).go(step, program.root, "")

    async def async_body(event: Asked, step: AsyncStep) -> Any:
        outside.opens(step.run_id, index, event.key)
        deeds = AsyncDeeds(step.run_id, outside)
        return await Interpreter(index, event.key, step.run_id, outside, functions, deeds).go(step, program.root, "")

    register: Any = app.function(
        on=Trigger(Asked, where={"program": [index]}),
        name=program.name,
        retry=FUNCTION_RETRY,
        waits_for=[Told, Shown] if any(place.node.op in WAITS for place in places(program.root)) else [],
        cancel_on=[Stop] if program.cancel_on else [],
        on_failure=on_end("on_failure") if program.has_on_failure else None,
        on_cancel=on_end("on_cancel") if program.has_on_cancel else None,
    )
    function: Function[Any, Any] = register(async_body if program.is_async else body)
    return function
