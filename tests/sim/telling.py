"""A failing play as a person reads it: what was broken, the programs as trees, the actions, the faults that struck, the timeline."""

from __future__ import annotations

from collections.abc import Iterator

from tests.sim.faults import Rates
from tests.sim.names import short
from tests.sim.plan import Action, Plan
from tests.sim.programs import FIRM, Node, Program
from tests.sim.scheduler import START_MS
from tests.sim.words import clock, span
from tests.sim.world import World

WIDTH = 160
_PLAIN = Rates()
_MOST_FAULTS = 40
_POLICIES = {"any": "all may fail", "one": "one may fail", "least": "all but one may fail"}
_OPERATIONS = {
    "run": "step",
    "fails": "step that fails for good",
    "flaky": "step that fails {amount} times first",
    "exhausted": "step that fails always, {amount} retries",
    "once": "step with once=True",
    "compensate": "step with a compensation",
    "stumble": "the body raises in its first {amount} attempts",
    "patched": "step.patched",
    "until": "sleep_until {span} after the event",
    "poll": "wait_until, true at check {amount}",
    "polled_out": "wait_until, never true",
    "send": "send {amount} events to {to}",
    "map": "map over {amount} items",
    "each": "each of {amount} items",
    "invoke": "invoke p{target}",
    "invoke_many": "invoke p{target} {amount} times",
    "seq": "in sequence",
    "try": "try",
    "parallel": "in parallel",
    "race": "race",
    "within": "asyncio.timeout of {span}",
    "wait": "wait for told",
    "waits": "wait for told, twice",
    "any": "wait for told or shown",
    "callback": "wait for a callback",
}
_TIMED = frozenset({"wait", "waits", "any", "callback", "polled_out"})


def heading(title: str) -> str:
    """The line above a part."""
    return f"── {title} ".ljust(WIDTH // 2, "─")


def plan_text(plan: Plan) -> str:
    """What a plan holds."""
    return "\n".join(
        [
            heading("programs"),
            *(line for program in plan.system.programs for line in tree(program)),
            heading("actions"),
            *(f"  {clock(action.at_ms):>14}  {_deed(action)}" for action in plan.actions),
            heading("mixture"),
            f"  {rates_text(plan.rates)}",
        ]
    )


def rates_text(rates: Rates) -> str:
    """What is not as it is without faults."""
    changed = [
        _rate(name, getattr(rates, name))
        for name in rates.__struct_fields__
        if getattr(rates, name) != getattr(_PLAIN, name) and not (name.endswith("_ms") and not _matters(rates, name))
    ]
    return " · ".join(changed) or "no faults"


def _rate(name: str, value: float) -> str:
    told = name.removesuffix("_ms").replace("_", " ")
    if isinstance(value, bool):
        return told if value else f"no {told}"
    return f"{told} up to {span(int(value))}" if name.endswith("_ms") else f"{told} {value:g}"


def _deed(action: Action) -> str:
    told = action.id if action.id.startswith(action.kind) else f"{action.kind} {action.id or action.key}"
    match action.kind:
        case "ask":
            return f"{told} of p{action.index}"
        case "tell" if action.awaited is not None:
            event = "shown" if action.awaited.is_shown else "told"
            return f"{told}: {event} {short(action.awaited.key)}{'' if action.good else ' (bad)'}"
        case _:
            return short(told)


def _matters(rates: Rates, name: str) -> bool:
    """A time counts where its kind strikes."""
    kind = {"duplicate_ms": "duplicated", "delay_ms": "delayed"}.get(name, name.removesuffix("_ms"))
    return name in ("skew_ms", "index_lag_ms") or bool(getattr(rates, kind, 1))


# ---- programs --------------------------------------------------------------------------------------------------------


def tree(program: Program) -> Iterator[str]:
    """A program, a line for each operation."""
    options = [name for name in ("has_on_failure", "has_on_cancel", "cancel_on") if getattr(program, name)]
    yield f"  {'async def' if program.is_async else 'def'} {program.name}" + (
        f"   with {', '.join(one.removeprefix('has_') for one in options)}" if options else ""
    )
    for child in program.root.children:
        yield from _branch(child, 2)


def _branch(node: Node, depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{node.name:<4} {_words(node)}"
    for child in node.children:
        yield from _branch(child, depth + 1)


def _words(node: Node) -> str:
    text = ("asyncio.sleep {span}" if node.mode == "asyncio" else "sleep {span}") if node.op == "sleep" else _OPERATIONS[node.op]
    text = text.format(amount=node.amount, span=span(node.amount), to=node.to, target=node.target)
    more: list[str] = []
    if node.op == "run" and node.amount:
        more.append(f"of {node.amount} characters")
    if node.op in _TIMED:
        more.append("as long as it takes" if node.amount == FIRM else f"for {span(node.amount)} at most")
    if node.op == "invoke" and node.amount:
        more.append(f"for {span(node.amount)} at most")
    if node.failing:
        more.append("failing: " + " ".join(str(item) for item in range(node.amount) if node.failing >> item & 1))
    if node.mode and node.mode != "asyncio":
        more.append(_POLICIES.get(node.mode, f"retries {node.mode}" if node.mode in ("near", "far", "mixed") else node.mode))
    return ", ".join([text, *more])


# ---- a failure -------------------------------------------------------------------------------------------------------


def failure_text(world: World, law: str, what: str, *, all_runs: bool = False, last: int = 400) -> str:
    """All of it, after the play. The world has a timeline."""
    timeline = world.timeline
    assert timeline is not None
    names = timeline.names(world)
    focus = names.mentioned(what) or None
    told = names.known(short(what)).removeprefix(f"{law}: ")
    parts = [f"seed {world.seed} breaks: {law}", f"  {told}", plan_text(world.plan), heading("faults that struck")]
    struck = world.faults.struck
    parts += [f"  {clock(fault.at_ms - START_MS):>14}  {short(fault.name)}" for fault in struck[-_MOST_FAULTS:]]
    if len(struck) > _MOST_FAULTS:
        parts.append(f"  ... and {len(struck) - _MOST_FAULTS} before them")
    parts.append(heading("timeline" if all_runs or focus is None else f"timeline of {', '.join(sorted(focus))}"))
    parts.append(timeline.text(world, None if all_runs else focus, last=last))
    return "\n".join(line if len(line) <= WIDTH else line[: WIDTH - 1] + "…" for part in parts for line in part.split("\n"))
