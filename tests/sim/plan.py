"""What a seed holds in store: its programs, its rates of faults, and what the outside does and when. Plain data."""

from random import Random

import msgspec

from tests.sim.bodies import Awaited, awaited
from tests.sim.faults import HOUR, MINUTE, SECOND, Rates, rates_of
from tests.sim.programs import System, child_keys, places, system

TROUBLE_MS = 6 * HOUR
"""How long the faults are on."""


MANAGING = frozenset({"cancel", "resume", "rerun"})
"""What commits first and then tells a worker: a client's machine may die between the two."""
LOSSLESS = 0.5
"""So many seeds are: where there is a sweeper, it hides what loses a wake-up by mistake."""
_HARMLESS = {"sweeper": False, "timer_lost": 0, "most_receives": 1_000_000, "duplicated": 0, "freeze": 0, "poison": 0}


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the outside does."""

    kind: str
    """ask, tell, stop, cancel, pause, resume, rerun, deploy, redrive, poison; and answer, refuse, heartbeat of callbacks."""
    at_ms: int
    """After the beginning."""
    index: int = 0
    key: str = ""
    """Of a run."""
    id: str = ""
    """An event's; or a token."""
    path: str = ""
    """Of a callback."""
    awaited: Awaited | None = None
    good: bool = True

    @property
    def name(self) -> str:
        return f"{self.kind} {self.id or self.key}"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All that is decided before the play begins."""

    seed: int
    system: System
    rates: Rates
    actions: tuple[Action, ...]


def plan_of(seed: int) -> Plan:
    """The plan of a seed."""
    random = Random(seed)
    made = system(random)
    rates = rates_of(random)
    actions = _actions(random, made, rates)
    if any(action.kind in MANAGING for action in actions):  # who dies after the commit and before the poke has nobody to go on
        rates = msgspec.structs.replace(rates, sweeper=True)
    plan = Plan(seed=seed, system=made, rates=rates, actions=actions)
    return lossless(plan) if random.random() < LOSSLESS else plan


def lossless(plan: Plan) -> Plan:
    """The plan with nothing that only the sweeper makes good, and without the sweeper."""
    actions = tuple(action for action in plan.actions if action.kind not in (*MANAGING, "poison", "redrive"))
    return msgspec.structs.replace(plan, rates=msgspec.structs.replace(plan.rates, **_HARMLESS), actions=actions)


def _actions(random: Random, made: System, rates: Rates) -> tuple[Action, ...]:
    actions: list[Action] = []
    for number in range(random.choice((1, 2, 4, 8))):
        index = random.randrange(len(made.programs))
        key = f"k{number}"
        at = random.choice((0, 0, SECOND, MINUTE, 10 * MINUTE)) and random.randrange(10 * MINUTE)
        ask = Action(kind="ask", at_ms=at, index=index, key=key, id=f"ask {key}")
        actions.append(ask)
        if random.random() < 0.2:  # the same event, again
            actions.append(msgspec.structs.replace(ask, at_ms=at + random.choice((0, 5, MINUTE, 3 * HOUR))))
        actions += _of_run(random, made, ask)
    actions += [
        Action(kind="poison", at_ms=random.randrange(HOUR), id=random.choice(("{", "null", '{"kind":"x"}', '{"kind":"poke"}')))
        for _ in range(rates.poison)
    ]
    if rates.most_receives < 1_000:
        actions += [Action(kind="redrive", at_ms=random.randrange(TROUBLE_MS)) for _ in range(2)]
    if rates.deploys:
        actions.append(Action(kind="deploy", at_ms=random.choice((SECOND, MINUTE, HOUR)) and random.randrange(HOUR)))
    return tuple(sorted(actions, key=lambda action: action.at_ms))


def _of_run(random: Random, made: System, ask: Action) -> list[Action]:
    """What happens to one run and its children, from outside."""
    actions: list[Action] = []
    for number, one in enumerate(awaited(made, ask.index, ask.key)):
        for copy in range(random.choice((0, 1, 1, 1, 2, 3))):
            at = max(0, ask.at_ms + random.choice((-5 * SECOND, 10, SECOND, MINUTE, HOUR, 5 * HOUR)) + random.randrange(2 * SECOND))
            tell = Action(kind="tell", at_ms=at, key=ask.key, id=f"tell {ask.key} {number} {copy}", awaited=one, good=random.random() < 0.8)
            actions.append(tell)
            if random.random() < 0.1:
                actions.append(msgspec.structs.replace(tell, at_ms=at + random.choice((0, MINUTE, HOUR))))
    own = Action(
        kind="", at_ms=ask.at_ms + random.choice((0, 20, SECOND, MINUTE, HOUR)) + random.randrange(SECOND), index=ask.index, key=ask.key
    )
    chance = random.random()

    def doing(kind: str, after_ms: int = 0) -> Action:
        return msgspec.structs.replace(own, kind=kind, at_ms=max(0, own.at_ms + after_ms), id=f"stop {ask.key}" if kind == "stop" else "")

    if chance < 0.08:
        actions.append(doing("cancel"))
    elif chance < 0.16:
        actions.append(doing("pause"))
        if random.random() < 0.7:
            actions.append(doing("resume", random.choice((0, 5, MINUTE, HOUR))))
    elif chance < 0.2:
        actions.append(doing("rerun", HOUR))
    if made.programs[ask.index].cancel_on and random.random() < 0.3:
        actions.append(doing("stop", random.choice((0, -5 * SECOND))))
    children = [key for key in _stoppable(made, ask.index, ask.key) if random.random() < 0.15]
    return actions + [
        msgspec.structs.replace(own, kind="stop", at_ms=own.at_ms + random.randrange(HOUR), key=key, id=f"stop {key}") for key in children
    ]


def _stoppable(made: System, index: int, key: str) -> list[str]:
    """The keys of a run's children, and theirs, that an event can cancel."""
    found: list[str] = []
    for place in places(made.programs[index].root):
        for child in child_keys(index, key, place.path, place.node):
            found += [child] if made.programs[place.node.target].cancel_on else []
            found += _stoppable(made, place.node.target, child)
    return found
