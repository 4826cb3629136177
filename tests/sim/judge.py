"""Walks one run's program and its outcome together: what is wrong with a value or an error of a node, and what could be."""

from typing import Any, Final, Protocol, TypeGuard

from tests.sim.facts import CRASHES, SLACK_MS, STEPS, Facts, allowed_failures, located
from tests.sim.interpreter import sent_mark
from tests.sim.outcomes import Error, is_list
from tests.sim.programs import FIRM, Node, System, child_keys

JOINS: Final = frozenset({"invoke_many", "map", "each", "parallel"})
"""What waits for many, all of which must succeed, or as many as a policy asks for."""


def certain(node: Node, path: str) -> Any:
    """The value of a node that has no other."""
    match node.op:
        case "run":
            return f"{path}+{node.amount}" if node.amount else path
        case "sleep" | "until":
            return f"{path} slept"
        case "send":
            return node.amount
        case _:
            return path


class Judge:
    """Walks one run's program and its outcome together."""

    def __init__(self, system: System, index: int, key: str, facts: Facts) -> None:
        self._system = system
        self._index = index
        self._key = key
        self._facts = facts
        self._deaths = facts.deaths.get(key, 0)
        self._program = system.programs[index]
        self.root = self._program.root

    # ---- what it is --------------------------------------------------------------------------------------------------

    def outcome(self, node: Node, at: str, value: Any) -> str | None:
        """What is wrong with this value of a node."""
        path = at + node.name
        match node.op:
            case "fails" | "exhausted" | "polled_out":
                return f"{path}: it fails for certain, and gave {value!r}"
            case "wait" | "waits" | "any":
                return self._events(node, path, value)
            case "callback":
                return _unless(value in self._answers(path, is_failure=False), path, value)
            case "patched":
                may_be_old = self._program.is_async and self._deaths > 0  # others were replayed when it was asked
                return _unless(value is True or (value is False and may_be_old), path, value)
            case "invoke":
                child = self._child(path, node)
                return child.outcome(child.root, "", value)
            case "seq" | "try" | "within" | "race":
                return self._tree(node, path, at, value)
            case _ if node.op in JOINS:
                return self._all(node, path, at, value)
            case _:
                sure = certain(node, path)
                return _unless(type(value) is type(sure) and value == sure, path, value)

    def _tree(self, node: Node, path: str, at: str, value: Any) -> str | None:
        if not is_list(value):
            return _unless(False, path, value)
        match node.op, value:
            case "seq", _ if len(value) == len(node.children):
                pairs = zip(node.children, value, strict=True)
                return next((wrong for child, one in pairs if (wrong := self.outcome(child, at, one))), None)
            case "race", [index, one] if type(index) is int and 0 <= index < len(node.children):
                return self.outcome(node.children[index], at, one)
            case "try", ["!", *_]:
                return self.failure(node.children[0], at, value[1:])
            case "within", ["late"]:
                return None
            case (("try" | "within"), ["ok", one]):
                return self.outcome(node.children[0], at, one)
            case _:
                return _unless(False, path, value)

    def _events(self, node: Node, path: str, value: Any) -> str | None:
        match node.op, value:
            case "waits", [first, second]:
                if first is not None and first == second:
                    return f"{path}: two waits in a row got the same event {first!r}"
                wrong = self._one_event(node, path, first) or self._one_event(node, path, second)
                return wrong or self._missed(node, path, [first, second])
            case ("wait", _) | ("any", None):
                return self._one_event(node, path, value) or self._missed(node, path, [value])
            case "any", [0 | 1 as index, mark] if type(index) is int:
                return _unless(mark in self._told(node, path, is_shown=index == 1), path, value)
            case _:
                return _unless(False, path, value)

    def _one_event(self, node: Node, path: str, value: Any) -> str | None:
        if value is None:
            return f"{path}: it timed out, though it waits for 300 days" if node.amount == FIRM else None
        return _unless(value in self._told(node, path, is_shown=False), path, value)

    def _missed(self, node: Node, path: str, got: list[Any]) -> str | None:
        """An event was there in time, and no wait of this node has it: a wait lasts for its time-out at least, from the run's own
        event on.
        """
        asked = self._facts.asked.get(self._key)
        if asked is None or None not in got:
            return None
        for one in self._facts.told.get(f"{self._key}:{path}", []):
            is_for_it = (one.good or node.mode != "where") and one.is_shown <= (node.op == "any")
            if not is_for_it or one.mark in got or one.at_ms is None or one.landed_ms is None:
                continue
            if asked <= one.at_ms and one.landed_ms <= asked + node.amount - SLACK_MS:
                return f"{path}: it timed out, though {one.mark!r} came in time"
        return None

    def _told(self, node: Node, path: str, *, is_shown: bool) -> list[str]:
        """The marks of the events that a wait may get."""
        told = self._facts.told.get(f"{self._key}:{path}", [])
        marks = [one.mark for one in told if one.is_shown == is_shown and (one.good or node.mode != "where")]
        if not is_shown:
            for place in located(self._program).values():
                if place.node.op == "send" and place.node.to == path:
                    marks += [sent_mark(self._key, place.path, number) for number in range(place.node.amount)]
        return marks

    def _answers(self, path: str, *, is_failure: bool) -> list[str]:
        return [answer.value for answer in self._facts.answers.get(f"{self._key}:{path}", []) if answer.is_failure == is_failure]

    def _child(self, path: str, node: Node, item: int = 0) -> "Judge":
        return Judge(self._system, node.target, child_keys(self._index, self._key, path, node)[item], self._facts)

    # ---- joins -------------------------------------------------------------------------------------------------------

    def items(self, node: Node, path: str, at: str) -> "list[Item]":
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
        items = self.items(node, path, at)
        if not _is_list(value, len(items)):
            return _unless(False, path, value)
        mode = node.mode if node.op != "parallel" else ""
        failures = 0
        for item, one in zip(items, value, strict=True):
            match one:
                case _ if not mode:
                    wrong = item.outcome(one)
                case ["ok", inner]:
                    wrong = item.outcome(inner)
                case ["!", *error]:
                    failures += 1
                    wrong = item.failure(list(error))
                case _:
                    wrong = _unless(False, path, value)
            if wrong is not None:
                return wrong
        return (
            None if failures <= allowed_failures(mode, len(items)) else f"{path}: {failures} of its items failed, which it does not allow"
        )

    def _all_failed(self, node: Node, path: str, at: str, error: Error) -> str | None:
        items = self.items(node, path, at)
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
            case _ if node.op in JOINS:
                return self._all_failed(node, path, at, error)
            case "try":
                return f"{path}: it raises nothing, and raised {error}"
            case "within":
                return self.failure(node.children[0], at, error)
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
            case "seq" | "within":
                return any(self.may_fail(child, at) for child in node.children)
            case "race":
                return all(self.may_fail(child, at) for child in node.children)
            case _ if node.op in JOINS:
                items = self.items(node, path, at)
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
            case _ if node.op in JOINS:
                items = self.items(node, path, at)
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


def _is_list(value: Any, length: int) -> TypeGuard[list[Any]]:
    return is_list(value) and len(value) == length


def _times_out(node: Node) -> bool:
    """A callback that may wait in vain: nobody promises a heartbeat in time."""
    return node.amount != FIRM or node.mode == "heartbeat"
