"""Workloads for bugs that need a coincidence which random programs hardly ever bring about: programs in which it is frequent."""

from random import Random
from typing import Any, Final

import msgspec

from tests.sim.bodies import awaited
from tests.sim.mutations.planting import Focus, lossless_with, rates
from tests.sim.plan import Action, Plan
from tests.sim.programs import FIRM, Node, Program, System

_ASKS: Final = 8


def timers_beside_slices(**changes: Any) -> Focus:
    """Sleeps of a minute, and events that wake the run just when they end."""
    sleeps = Node("parallel", "n1", children=(Node("sleep", "n2", 60_000), Node("wait", "n3", FIRM), Node("wait", "n4", FIRM)))
    made = _system(sleeps, is_async=False)
    change = lossless_with(**changes)

    def focus(plan: Plan) -> Plan:
        random = Random(plan.seed)
        actions: list[Action] = []
        for ask in _asks(random):
            actions.append(ask)
            for number, one in enumerate(awaited(made, 0, ask.key)):
                at = ask.at_ms + 60_000 + random.randrange(-12_000, 12_000)
                actions.append(Action(kind="tell", at_ms=at, key=ask.key, id=f"tell {ask.key} {number}", awaited=one))
        return change(_with(plan, made, actions))

    return focus


def cancelled_at_work(**changes: Any) -> Focus:
    """Many steps in a row, and a cancel in the middle of them."""
    made = _system(*(Node("run", f"r{number}") for number in range(60)), is_async=False)
    change = rates(**changes)

    def focus(plan: Plan) -> Plan:
        random = Random(plan.seed)
        asks = _asks(random)
        cancels = [Action(kind="cancel", at_ms=ask.at_ms + random.randrange(6_000), key=ask.key) for ask in asks]
        return change(_with(plan, made, [*asks, *cancels]))

    return focus


def _system(*nodes: Node, is_async: bool) -> System:
    return System((Program("p0", is_async=is_async, root=Node("seq", "root", children=nodes)),))


def _asks(random: Random) -> list[Action]:
    return [Action(kind="ask", at_ms=random.randrange(600_000), key=f"k{number}", id=f"ask k{number}") for number in range(_ASKS)]


def _with(plan: Plan, made: System, actions: list[Action]) -> Plan:
    return msgspec.structs.replace(plan, system=made, actions=tuple(sorted(actions, key=lambda action: action.at_ms)))
