"""Random systems of programs, as data: what bodies do, in which order, and what may be left out to make one smaller.

A program is a tree of operations; `bodies.py` makes it a durable function, `model.py` says how it may end. Every name is
unique in its program, so that a node's path is its name, with the item before it in an `each`: ``n5.0/n6``.
"""

from collections.abc import Iterator
from random import Random
from typing import Final

import msgspec

MS: Final = (0, 1, 900, 3_000, 60_000, 3_600_000, 172_800_000)
"""Times, from none to two days."""
FIRM: Final = 300 * 86_400_000
"""The time-out of a wait that is not meant to time out: the world has to answer it."""
LARGE: Final = (0, 0, 0, 0, 0, 0, 0, 0, 0, 3_000)
"""Characters that a step's value has beyond its path."""
MOST_RUNS: Final = 6
"""Runs that one event starts, children's children among them."""
MOST_ITEMS: Final = 6
"""Times that one node is done, in eaches of eaches."""

POLICIES: Final = ("", "", "any", "one", "least")
"""None; every failure is allowed; one; all but one."""
DELAYS: Final = ("near", "near", "far", "mixed")

WAITS: Final = frozenset({"wait", "waits", "any"})
"""What awaits events, and so can be sent to."""
BRANCHED: Final = frozenset({"parallel", "race", "each", "within"})
"""Whose children go on at the same time, or are ended by something else."""
INVOKES: Final = frozenset({"invoke", "invoke_many"})
RISKY: Final = frozenset({"fails", "exhausted", "once", "callback", "polled_out", "invoke", "invoke_many", "map", "race"})
"""What is mostly done within a try: else hardly a program would come to its end."""

_LEAVES: Final = (
    *("run",) * 8,
    *("sleep", "wait") * 3,
    *("invoke",) * 4,
    *("flaky", "fails", "once", "until", "waits", "any", "callback", "poll", "invoke_many", "map", "compensate") * 2,
    *("exhausted", "polled_out", "send", "patched", "stumble"),
)
_TREES: Final = (*("parallel", "race", "try") * 3, *("seq", "each") * 2)


class Node(msgspec.Struct, frozen=True):
    """One operation."""

    op: str
    name: str
    amount: int = 0
    """A time in ms (sleep, until, time-outs), a number (failures, checks, items, retries, events), or a size (run)."""
    children: tuple["Node", ...] = ()
    mode: str = ""
    """A policy, a kind of delays, "where", "heartbeat", "detach"; in an async program "gather" or "group" (parallel), "asyncio" (sleep)."""
    target: int = 0
    """The program that is invoked."""
    failing: int = 0
    """Which items of a map fail: a bit each."""
    to: str = ""
    """The wait that a send is for."""


class Program(msgspec.Struct, frozen=True):
    """One durable function."""

    name: str
    is_async: bool
    root: Node
    has_on_failure: bool = False
    has_on_cancel: bool = False
    cancel_on: bool = False


class System(msgspec.Struct, frozen=True):
    """Programs that an event can start, each, and that may invoke those after them."""

    programs: tuple[Program, ...]


class Place(msgspec.Struct, frozen=True):
    """A node where it is done: each item of an `each` is a place of its own."""

    path: str
    node: Node
    is_beside: bool
    """Something else may go on at the same time, and end it."""


def flat(node: Node) -> list[Node]:
    """The node and all below it."""
    return [node, *(inner for child in node.children for inner in flat(child))]


def operations(system: System) -> int:
    """How many there are in all programs; the roots, which only hold them together, are none."""
    return sum(len(flat(program.root)) - 1 for program in system.programs)


def places(node: Node, at: str = "", *, is_beside: bool = False) -> list[Place]:
    """The node and all below it, where they are done."""
    path = at + node.name
    found = [Place(path, node, is_beside)]
    inside = is_beside or node.op in BRANCHED
    scopes = [f"{path}.{item}/" for item in range(node.amount)] if node.op == "each" else [at]
    for scope in scopes:
        for child in node.children:
            found += places(child, scope, is_beside=inside)
    return found


def runs(system: System, index: int) -> int:
    """How many runs an event for this program starts at most, its own among them."""
    count = 1
    for place in places(system.programs[index].root):
        node = place.node
        if node.op in INVOKES:
            count += runs(system, node.target) * (node.amount if node.op == "invoke_many" else 1)
    return count


def child_keys(index: int, key: str, path: str, node: Node) -> list[str]:
    """The keys of the runs that a node invokes: made of the parent's key, its index and the place."""
    match node.op:
        case "invoke":
            return [f"{key}>{index}.{path}"]
        case "invoke_many":
            return [f"{key}>{index}.{path}.{item}" for item in range(node.amount)]
        case _:
            return []


# ---- making them -----------------------------------------------------------------------------------------------------


def system(random: Random, *, programs: int = 3, operations: int = 30, depth: int = 4) -> System:
    """A system of one to so many programs, each of one to so many operations in so many levels; small ones are frequent."""
    made: list[Program] = []
    count = random.randint(1, programs)
    for index in reversed(range(count)):  # the last one first: the others need to know what an invoke of it starts
        made.insert(0, _Maker(random, index, tuple(made)).program(operations, depth))
    return System(tuple(made))


class _Maker:
    """Makes one program, given those after it."""

    def __init__(self, random: Random, index: int, later: tuple[Program, ...]) -> None:
        self._random = random
        self._index = index
        self._runs = [0] * (index + 1) + [runs(_shifted(later, index + 1), index + 1 + place) for place in range(len(later))]
        self._left = MOST_RUNS - 1
        self._names = 0

    def program(self, operations: int, depth: int) -> Program:
        random = self._random
        budget = min(operations, 1 + int(random.expovariate(1 / 9)))
        self._is_async = random.random() < 0.5
        children: list[Node] = []
        while budget > 0:
            children.append(self._node(depth - 1, budget, 1))
            budget -= len(flat(children[-1]))
        root = _sent_somewhere(Node("seq", "root", children=tuple(children)), random)
        has = [random.random() < 0.2 for _ in range(3)]
        return Program(f"p{self._index}", self._is_async, root, has_on_failure=has[0], has_on_cancel=has[1], cancel_on=has[2])

    def _node(self, level: int, budget: int, times: int) -> Node:
        """At most so many operations in so many levels, done so many times."""
        if level == 0 or budget < 2 or self._random.random() < 0.6:
            return self._leaf(level, budget, times)
        op = self._random.choice((*_TREES, "within") if self._is_async else _TREES)
        name = self._name()
        if op == "within":
            return Node(op, name, self._random.choice(MS[1:]), (self._node(level - 1, budget - 1, times),))
        if op == "try":
            return Node("try", name, children=(self._node(level - 1, budget - 1, times),))
        if op == "each":
            items = min(self._random.randint(0, 3), MOST_ITEMS // times)
            policy = self._policy(items)
            return Node("each", name, items, (self._node(level - 1, budget - 1, times * max(items, 1)),), policy)
        mode = self._random.choice(("", "gather", "group")) if op == "parallel" and self._is_async else ""
        return Node(op, name, children=self._children(level - 1, budget - 1, times), mode=mode)

    def _children(self, level: int, budget: int, times: int) -> tuple[Node, ...]:
        children: list[Node] = []
        for left in reversed(range(min(self._random.choice((1, 2, 2, 3)), budget))):
            children.append(self._node(level, budget - left, times))
            budget -= len(flat(children[-1]))
        return tuple(children)

    def _leaf(self, level: int, budget: int, times: int) -> Node:
        op = self._random.choice(_LEAVES)
        if op in RISKY and level > 0 and budget > 1 and self._random.random() < 0.75:
            name = self._name()
            return Node("try", name, children=(self._leaf_of(op, times),))
        return self._leaf_of(op, times)

    def _leaf_of(self, op: str, times: int) -> Node:
        random, name = self._random, self._name()
        match op:
            case "run":
                return Node(op, name, random.choice(LARGE))
            case "flaky" | "exhausted":
                return Node(op, name, random.randint(1, 3) if op == "flaky" else random.randint(0, 2), mode=random.choice(DELAYS))
            case "sleep" | "until":
                is_durable = op == "until" or not self._is_async or random.random() < 0.7
                return Node(op, name, random.choice(MS), mode="" if is_durable else "asyncio")
            case "wait" | "waits" | "any" | "callback":
                patience = FIRM if random.random() < 0.5 else random.choice(MS[1:])
                mode = random.choice(("", "where") if op == "wait" else ("", "heartbeat") if op == "callback" else ("",))
                return Node(op, name, patience, mode=mode)
            case "poll":
                return Node(op, name, random.randint(1, 4), mode=random.choice(DELAYS[1:]))
            case "polled_out":
                return Node(op, name, random.choice((900, 60_000)))
            case "map":
                items = random.randint(0, 4)
                return Node(op, name, items, mode=self._policy(items), failing=random.choice((0, 0, 0, 1, 2, 5, 15)) & (2**items - 1))
            case "invoke" | "invoke_many":
                return self._invoke(op, name, times)
            case "stumble" | "send":
                return Node(op, name, random.randint(1, 2))
            case _:
                return Node(op, name)

    def _invoke(self, op: str, name: str, times: int) -> Node:
        random = self._random
        last = len(self._runs) - 1
        target = random.randint(self._index + 1, last) if last > self._index else 0
        items = random.randint(1, 3) if op == "invoke_many" else 1
        started = 0 if not target else items * times * self._runs[target]
        if not target or started > self._left:
            return Node("run", name)
        self._left -= started
        if op == "invoke_many":
            return Node(op, name, items, mode=self._policy(items), target=target)
        return Node(op, name, random.choice((0, 0, 900, 60_000, 172_800_000)), mode=random.choice(("", "", "detach")), target=target)

    def _policy(self, items: int) -> str:
        policy = self._random.choice(POLICIES)
        return policy if items else ""

    def _name(self) -> str:
        self._names += 1
        return f"n{self._names}"


def _shifted(later: tuple[Program, ...], by: int) -> System:
    """The programs under the indexes by which they invoke each other."""
    empty = Program("-", is_async=False, root=Node("seq", "root"))
    return System((empty,) * by + later)


def _sent_somewhere(root: Node, random: Random) -> Node:
    """Each send is for one of the waits that are done once; without any it is a run."""
    waits = _reachable(root)

    def bound(node: Node) -> Node:
        children = tuple(bound(child) for child in node.children)
        if node.op != "send":
            return msgspec.structs.replace(node, children=children)
        return msgspec.structs.replace(node, to=random.choice(waits)) if waits else Node("run", node.name)

    return bound(root)


def _reachable(root: Node) -> list[str]:
    return [place.node.name for place in places(root) if place.node.op in WAITS and place.path == place.node.name]


# ---- making them smaller ---------------------------------------------------------------------------------------------


def smaller(system: System) -> Iterator[System]:
    """The system with one program, one operation or one option fewer; each is valid, and smaller by `weight`."""
    programs = system.programs
    for index in range(len(programs)):
        if len(programs) > 1:
            yield _without(system, index)
    for index, program in enumerate(programs):
        for root in _less(program.root, is_root=True):
            yield _with(system, index, msgspec.structs.replace(program, root=_mended(root)))
        for name in ("has_on_failure", "has_on_cancel", "cancel_on", "is_async"):
            if getattr(program, name):
                fewer = msgspec.structs.replace(program, **{name: False})
                yield _with(system, index, fewer if name != "is_async" else msgspec.structs.replace(fewer, root=_in_a_def(fewer.root)))


def weight(system: System) -> tuple[int, int, int]:
    """What `smaller` makes less: programs and operations first, then what they are."""
    nodes = [node for program in system.programs for node in flat(program.root)]
    options = sum((p.is_async, p.has_on_failure, p.has_on_cancel, p.cancel_on).count(True) for p in system.programs)
    special = (
        sum(node.op != "run" for node in nodes)
        + sum(node.mode not in ("", "near") for node in nodes)
        + sum(bool(node.failing) for node in nodes)
    )
    return len(system.programs) + len(nodes), special + options, sum(node.amount for node in nodes)


def _with(system: System, index: int, program: Program) -> System:
    return System((*system.programs[:index], program, *system.programs[index + 1 :]))


def _without(system: System, dropped: int) -> System:
    def mended(node: Node) -> Node:
        children = tuple(mended(child) for child in node.children)
        if node.op in INVOKES and node.target == dropped:
            return Node("run", node.name)
        target = node.target - (node.op in INVOKES and node.target > dropped)
        return msgspec.structs.replace(node, children=children, target=target)

    left = (program for index, program in enumerate(system.programs) if index != dropped)
    return System(
        tuple(msgspec.structs.replace(program, name=f"p{index}", root=_mended(mended(program.root))) for index, program in enumerate(left))
    )


def _mended(root: Node) -> Node:
    """A send whose wait is gone is a run."""
    waits = _reachable(root)

    def mended(node: Node) -> Node:
        if node.op == "send" and node.to not in waits:
            return Node("run", node.name)
        return msgspec.structs.replace(node, children=tuple(mended(child) for child in node.children))

    return mended(root)


def _in_a_def(node: Node) -> Node:
    """Without what only an async program has."""
    if node.op == "within":
        return _in_a_def(node.children[0])
    mode = "" if node.op in ("parallel", "sleep") else node.mode
    return msgspec.structs.replace(node, mode=mode, children=tuple(_in_a_def(child) for child in node.children))


def _less(node: Node, *, is_root: bool = False) -> Iterator[Node]:
    if not is_root:
        yield from node.children
    if len(node.children) > 1:
        for place in range(len(node.children)):
            yield msgspec.structs.replace(node, children=(*node.children[:place], *node.children[place + 1 :]))
    if not is_root and node.op != "run":
        yield Node("run", node.name)
    for place, child in enumerate(node.children):
        for fewer in _less(child):
            yield msgspec.structs.replace(node, children=(*node.children[:place], fewer, *node.children[place + 1 :]))
    if node.mode and node.op not in ("flaky", "exhausted", "poll"):
        yield msgspec.structs.replace(node, mode="")
    if node.mode in ("far", "mixed"):
        yield msgspec.structs.replace(node, mode="near")
    if node.failing:
        yield msgspec.structs.replace(node, failing=0)
    yield from _lower(node)


def _lower(node: Node) -> Iterator[Node]:
    least = _LEAST.get(node.op, 0)
    lower = [one for one in dict.fromkeys((least, *MS)) if least <= one < node.amount][:2]
    for amount in lower:
        policy = node.mode if amount or node.op not in ("map", "each") else ""
        yield msgspec.structs.replace(node, amount=amount, failing=node.failing & (2**amount - 1) if node.op == "map" else 0, mode=policy)


_LEAST: Final[dict[str, int]] = dict.fromkeys(
    ("wait", "waits", "any", "callback", "flaky", "poll", "polled_out", "invoke_many", "stumble", "send", "within"), 1
)
