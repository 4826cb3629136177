"""Which ends of a run are allowed, given what its world did: the program and its outcome are walked together.

`differs` judges a run's end, `differs_at` what a body saw at one place, `effects` what its steps did. Each says what is wrong
in a sentence, or None. Nothing is enumerated: where chance has the word (who wins a race, which event a wait gets) the
outcome says how it went, and the model whether it could have gone so. What the losers of a race did is free.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from milepost import ErrorInfo
from tests.sim.interpreter import sent_mark
from tests.sim.outcomes import Error, described_info
from tests.sim.programs import FIRM, Node, Place, Program, System, child_keys, places

CRASHES = 4
"""Deaths of a worker in one step after which the step fails."""

STEPS = frozenset({"run", "fails", "flaky", "exhausted", "once", "compensate", "map", "callback"})
"""What runs a function of the user's that may kill its worker."""


class Telling(msgspec.Struct, frozen=True):
    """An event that was sent to a wait's key."""

    mark: str
    good: bool = True
    is_shown: bool = False


class Answer(msgspec.Struct, frozen=True):
    """An answer that was given to a callback: its value, or with ``is_failure`` the error's message."""

    value: str
    is_failure: bool = False


class Facts(msgspec.Struct):
    """What the world did, of all runs. It is filled while they go on; note here first, then do it."""

    told: dict[str, list[Telling]] = {}
    """By the awaited event's key."""
    answers: dict[str, list[Answer]] = {}
    """By the run's key and the callback's path, joined by a colon."""
    deaths: dict[str, int] = {}
    """Workers that died, stood still or were overtaken while they drove the run, by its key."""
    cancelled: dict[str, None] = {}
    """Keys of runs that somebody tried to cancel, by a door or by a Stop."""


def differs(system: System, index: int, key: str, status: str, result: Any, error: ErrorInfo | None, *, facts: Facts) -> str | None:
    """What is wrong with this end of the run of program ``index`` under this key."""
    judge = Judge(system, index, key, facts)
    match status:
        case "completed":
            return judge.outcome(judge.root, "", result)
        case "failed":
            if error is None:
                return "it has failed without an error"
            return judge.failure(judge.root, "", described_info(error))
        case "cancelled":
            return None if may_be_cancelled(system, key, facts) else "it is cancelled, and nobody has cancelled it"
        case _:
            return f"it has not ended: it is {status}"


def differs_at(system: System, index: int, key: str, path: str, outcome: Any, *, facts: Facts) -> str | None:
    """What is wrong with what a body was given at a place, as `Outside.saw` is told: an outcome, or ``["!", *error]``."""
    place = located(system.programs[index]).get(path)
    if place is None:
        return f"{path}: there is no such place in program {index}"
    judge = Judge(system, index, key, facts)
    at = path.removesuffix(place.node.name)
    if place.node.op != "try" and isinstance(outcome, list) and outcome[:1] == ["!"]:
        return judge.failure(place.node, at, outcome[1:])
    return judge.outcome(place.node, at, outcome)


def may_be_cancelled(system: System, key: str, facts: Facts) -> bool:
    """Somebody tried to, or it is the child of a run that may have let go of it."""
    if key in facts.cancelled:
        return True
    parent, arrow, how = key.rpartition(">")
    if not arrow:
        return False
    index, _, path = how.partition(".")
    known = located(system.programs[int(index)])
    place = known.get(path) or known[path.rpartition(".")[0]]
    node = place.node
    if node.op == "invoke" and node.mode == "detach":
        return False
    return place.is_beside or node.op == "invoke_many" or node.amount > 0 or may_be_cancelled(system, parent, facts)


@lru_cache(maxsize=64)
def located(program: Program) -> Mapping[str, Place]:
    """The places of a program, by path."""
    return {place.path: place for place in places(program.root)}


def allowed_failures(mode: str, count: int) -> int:
    """How many of a join's items may fail."""
    return {"": 0, "any": count, "one": min(1, count), "least": count - 1}[mode]


class Judge:
    """Walks one run's program and its outcome together."""

    def __init__(self, system: System, index: int, key: str, facts: Facts) -> None:
        self._system = system
        self._index = index
        self._key = key
        self._facts = facts
        self._deaths = facts.deaths.get(key, 0)
        self.root = system.programs[index].root

    # ---- what it is --------------------------------------------------------------------------------------------------

    def outcome(self, node: Node, at: str, value: Any) -> str | None:
        """What is wrong with this value of a node."""
        path = at + node.name
        match node.op:
            case "run":
                return _unless(value == (f"{path}+{node.amount}" if node.amount else path), path, value)
            case "flaky" | "once" | "compensate" | "poll" | "stumble":
                return _unless(value == path, path, value)
            case "sleep" | "until":
                return _unless(value == f"{path} slept", path, value)
            case "patched":
                return _unless(value is True or (value is False and self._deaths > 0), path, value)
            case "fails" | "exhausted" | "polled_out":
                return f"{path}: it fails for certain, and gave {value!r}"
            case "wait":
                return self._one_event(node, path, value)
            case "waits":
                return self._two_events(node, path, value)
            case "any":
                return self._any_event(node, path, value)
            case "send":
                return _unless(type(value) is int and value == node.amount, path, value)
            case "callback":
                return _unless(value in self._answers(path, is_failure=False), path, value)
            case "invoke":
                child = self._child(path, node)
                return child.outcome(child.root, "", value)
            case "invoke_many" | "map" | "each" | "parallel":
                return self._all(node, path, at, value)
            case "race":
                return self._race(node, path, at, value)
            case "seq":
                return self._seq(node, path, at, value)
            case "try":
                return self._try(node, path, at, value)
            case _:
                raise ValueError(node.op)

    def _one_event(self, node: Node, path: str, value: Any) -> str | None:
        if value is None:
            return f"{path}: it timed out, though it waits for 300 days" if node.amount == FIRM else None
        return _unless(value in self._told(node, path, is_shown=False), path, value)

    def _two_events(self, node: Node, path: str, value: Any) -> str | None:
        if not _is_list(value, 2):
            return _unless(False, path, value)
        if value[0] is not None and value[0] == value[1]:
            return f"{path}: two waits in a row got the same event {value[0]!r}"
        return next((wrong for one in value if (wrong := self._one_event(node, path, one))), None)

    def _any_event(self, node: Node, path: str, value: Any) -> str | None:
        if value is None:
            return self._one_event(node, path, None)
        if not _is_list(value, 2) or type(value[0]) is not int or value[0] not in (0, 1):
            return _unless(False, path, value)
        return _unless(value[1] in self._told(node, path, is_shown=value[0] == 1), path, value)

    def _told(self, node: Node, path: str, *, is_shown: bool) -> list[str]:
        """The marks of the events that a wait may get."""
        told = self._facts.told.get(f"{self._key}:{path}", [])
        marks = [one.mark for one in told if one.is_shown == is_shown and (one.good or node.mode != "where")]
        if not is_shown:
            for place in located(self._system.programs[self._index]).values():
                if place.node.op == "send" and place.node.to == path:
                    marks += [sent_mark(self._key, place.path, number) for number in range(place.node.amount)]
        return marks

    def _answers(self, path: str, *, is_failure: bool) -> list[str]:
        return [answer.value for answer in self._facts.answers.get(f"{self._key}:{path}", []) if answer.is_failure == is_failure]

    def _child(self, path: str, node: Node, item: int = 0) -> "Judge":
        return Judge(self._system, node.target, child_keys(self._index, self._key, path, node)[item], self._facts)

    def _race(self, node: Node, path: str, at: str, value: Any) -> str | None:
        if not _is_list(value, 2) or type(value[0]) is not int or not 0 <= value[0] < len(node.children):
            return _unless(False, path, value)
        return self.outcome(node.children[value[0]], at, value[1])

    def _seq(self, node: Node, path: str, at: str, value: Any) -> str | None:
        if not _is_list(value, len(node.children)):
            return _unless(False, path, value)
        return next((wrong for child, one in zip(node.children, value, strict=True) if (wrong := self.outcome(child, at, one))), None)

    def _try(self, node: Node, path: str, at: str, value: Any) -> str | None:
        if not isinstance(value, list) or not value:
            return _unless(False, path, value)
        if value[0] == "!":
            return self.failure(node.children[0], at, value[1:])
        if value[0] != "ok" or len(value) != 2:
            return _unless(False, path, value)
        return self.outcome(node.children[0], at, value[1])

    # ---- joins -------------------------------------------------------------------------------------------------------

    def _items(self, node: Node, path: str, at: str) -> "Sequence[Item]":
        match node.op:
            case "map":
                return [MapItem(f"{path}.{item}", node.name, bool(node.failing >> item & 1), self._deaths) for item in range(node.amount)]
            case "invoke_many":
                return [ChildItem(self._child(path, node, item)) for item in range(node.amount)]
            case "each":
                return [NodeItem(self, node.children[0], f"{path}.{item}/") for item in range(node.amount)]
            case _:
                return [NodeItem(self, child, at) for child in node.children]

    def _all(self, node: Node, path: str, at: str, value: Any) -> str | None:
        items = self._items(node, path, at)
        if not _is_list(value, len(items)):
            return _unless(False, path, value)
        mode = node.mode if node.op != "parallel" else ""
        failures = 0
        for item, one in zip(items, value, strict=True):
            if mode and (not isinstance(one, list) or not one or one[0] not in ("ok", "!")):
                return _unless(False, path, value)
            failures += bool(mode) and one[0] == "!"
            wrong = item.failure(one[1:]) if mode and one[0] == "!" else item.outcome(one[1] if mode and len(one) == 2 else one)
            if wrong is not None:
                return wrong
        return (
            None if failures <= allowed_failures(mode, len(items)) else f"{path}: {failures} of its items failed, which it does not allow"
        )

    def _all_failed(self, node: Node, path: str, at: str, error: Error) -> str | None:
        items = self._items(node, path, at)
        mode = node.mode if node.op != "parallel" else ""
        if sum(item.may_fail() for item in items) <= allowed_failures(mode, len(items)):
            return f"{path}: it cannot fail, and raised {error}"
        return None if any(item.failure(error) is None for item in items) else f"{path}: none of its items can raise {error}"

    # ---- how it fails ------------------------------------------------------------------------------------------------

    def failure(self, node: Node, at: str, error: Error) -> str | None:
        """What is wrong with this error of a node."""
        path = at + node.name
        if not error:
            return f"{path}: an error that says nothing"
        match node.op:
            case "seq":
                return self._seq_failed(node, path, at, error)
            case "race":
                return self._race_failed(node, path, at, error)
            case "invoke_many" | "map" | "each" | "parallel":
                return self._all_failed(node, path, at, error)
            case "try":
                return f"{path}: it raises nothing, and raised {error}"
            case "invoke" if error == ["timeout"]:
                return None if node.amount else f"{path}: it has no time-out, and timed out"
            case "invoke":
                return self._child(path, node).as_child(error)
            case _:
                return None if self._is_own(node, path, error) else f"{path}: it cannot raise {error}"

    def _is_own(self, node: Node, path: str, error: Error) -> bool:
        match error:
            case ["crashed", node.name]:
                return node.op in STEPS and self._deaths >= CRASHES
            case ["interrupted", node.name]:
                return node.op == "once" and self._deaths > 0
            case ["step", message, "" | node.name] if node.op == "callback":  # an answer's error names no step where it is stored
                return message in self._answers(path, is_failure=True)
            case ["step", message, node.name]:
                return node.op in ("fails", "exhausted") and message == f"{path} fails"
            case ["timeout"]:
                return node.op == "polled_out" or (node.op == "callback" and _times_out(node))
            case _:
                return False

    def _seq_failed(self, node: Node, path: str, at: str, error: Error) -> str | None:
        for child in node.children:
            if self.failure(child, at, error) is None:
                return None
            if not self.may_succeed(child, at):
                return f"{path}: it cannot get beyond {at + child.name}, which cannot raise {error}"
        return f"{path}: nothing in it can raise {error}"

    def _race_failed(self, node: Node, path: str, at: str, error: Error) -> str | None:
        if error[0] != "race":
            return f"{path}: a race cannot raise {error}"
        sure = next((child for child in node.children if not self.may_fail(child, at)), None)
        if sure is not None:
            return f"{path}: it was lost by all, and {at + sure.name} cannot fail"
        if len(error) == 1:
            return None
        if not _is_list(error[1], len(node.children)):
            return f"{path}: {len(node.children)} branches cannot raise {error}"
        return next((wrong for child, one in zip(node.children, error[1], strict=True) if (wrong := self.failure(child, at, one))), None)

    def as_child(self, error: Error) -> str | None:
        """What is wrong with this error that the run's parent saw."""
        if error[0] != "child":
            return f"{self._key}: a child's end cannot raise {error}"
        is_cancelled = self._key in self._facts.cancelled
        if error == ["child"]:
            return None if is_cancelled or self.may_fail(self.root, "") else f"{self._key}: the child cannot fail"
        if error[1] is None:
            return None if is_cancelled else f"{self._key}: the child is cancelled, and nobody has cancelled it"
        return self.failure(self.root, "", error[1])

    # ---- what could be -----------------------------------------------------------------------------------------------

    def may_fail(self, node: Node, at: str) -> bool:
        """It may raise."""
        path = at + node.name
        match node.op:
            case "fails" | "exhausted" | "polled_out":
                return True
            case "once":
                return self._deaths > 0
            case "callback":
                return _times_out(node) or bool(self._answers(path, is_failure=True)) or self._deaths >= CRASHES
            case "invoke":
                return node.amount > 0 or self._child(path, node).as_child(["child"]) is None
            case "seq":
                return any(self.may_fail(child, at) for child in node.children)
            case "race":
                return all(self.may_fail(child, at) for child in node.children)
            case "invoke_many" | "map" | "each" | "parallel":
                items = self._items(node, path, at)
                mode = node.mode if node.op != "parallel" else ""
                return sum(item.may_fail() for item in items) > allowed_failures(mode, len(items))
            case _:
                return node.op in STEPS and self._deaths >= CRASHES

    def may_succeed(self, node: Node, at: str) -> bool:
        """It may have a value."""
        path = at + node.name
        match node.op:
            case "fails" | "exhausted" | "polled_out":
                return False
            case "callback":
                return bool(self._answers(path, is_failure=False))
            case "invoke":
                child = self._child(path, node)
                return child.may_succeed(child.root, "")
            case "seq":
                return all(self.may_succeed(child, at) for child in node.children)
            case "race":
                return any(self.may_succeed(child, at) for child in node.children)
            case "invoke_many" | "map" | "each" | "parallel":
                items = self._items(node, path, at)
                mode = node.mode if node.op != "parallel" else ""
                return sum(not item.may_succeed() for item in items) <= allowed_failures(mode, len(items))
            case "try":
                return self.may_succeed(node.children[0], at) or self.may_fail(node.children[0], at)
            case "wait" | "waits" | "any" if node.amount == FIRM:
                told = [*self._told(node, path, is_shown=False), *self._told(node, path, is_shown=True)]
                return len(dict.fromkeys(told)) >= (2 if node.op == "waits" else 1)
            case _:
                return True


class Item(Protocol):
    """One of a join's: what its outcome may be."""

    def outcome(self, value: Any, /) -> str | None: ...
    def failure(self, error: Error, /) -> str | None: ...
    def may_fail(self) -> bool: ...
    def may_succeed(self) -> bool: ...


class NodeItem:
    """A branch, or an item of an `each`: a node."""

    def __init__(self, judge: Judge, node: Node, at: str) -> None:
        self._judge = judge
        self._node = node
        self._at = at

    def outcome(self, value: Any, /) -> str | None:
        return self._judge.outcome(self._node, self._at, value)

    def failure(self, error: Error, /) -> str | None:
        return self._judge.failure(self._node, self._at, error)

    def may_fail(self) -> bool:
        return self._judge.may_fail(self._node, self._at)

    def may_succeed(self) -> bool:
        return self._judge.may_succeed(self._node, self._at)


class ChildItem:
    """One of many children."""

    def __init__(self, child: Judge) -> None:
        self._child = child

    def outcome(self, value: Any, /) -> str | None:
        return self._child.outcome(self._child.root, "", value)

    def failure(self, error: Error, /) -> str | None:
        return self._child.as_child(error)

    def may_fail(self) -> bool:
        return self._child.as_child(["child"]) is None

    def may_succeed(self) -> bool:
        return self._child.may_succeed(self._child.root, "")


class MapItem:
    """One step of a map."""

    def __init__(self, path: str, name: str, fails: bool, deaths: int) -> None:
        self._path = path
        self._name = name
        self._fails = fails
        self._has_crashed = deaths >= CRASHES

    def outcome(self, value: Any, /) -> str | None:
        return f"{self._path}: it fails for certain, and gave {value!r}" if self._fails else _unless(value == self._path, self._path, value)

    def failure(self, error: Error, /) -> str | None:
        if self._fails and error == ["step", f"{self._path} fails", self._name]:
            return None
        is_crash = self._has_crashed and error == ["crashed", self._name]
        return None if is_crash else f"{self._path}: it cannot raise {error}"

    def may_fail(self) -> bool:
        return self._fails or self._has_crashed

    def may_succeed(self) -> bool:
        return not self._fails


def _unless(is_right: bool, path: str, value: Any) -> str | None:
    return None if is_right else f"{path}: it cannot have given {value!r}"


def _is_list(value: Any, length: int) -> bool:
    return isinstance(value, list) and len(value) == length


def _times_out(node: Node) -> bool:
    """A callback that may wait in vain: nobody promises a heartbeat in time."""
    return node.amount != FIRM or node.mode == "heartbeat"
