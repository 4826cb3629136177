"""What the steps of a run that has ended must have done, and must not have done, by what the end says."""

from collections.abc import Mapping
from typing import Any, Final

from milepost import ErrorInfo
from tests.sim.facts import Facts, located
from tests.sim.judge import JOINS, Judge
from tests.sim.outcomes import Error, described_info
from tests.sim.programs import Node, System, places

_ROLES: Final = {"on_failure": "failed", "on_cancel": "cancelled"}


def effects(
    system: System,
    index: int,
    key: str,
    status: str,
    result: Any,
    error: ErrorInfo | None,
    executions: Mapping[str, int],
    *,
    facts: Facts,
) -> str | None:
    """What is wrong with what the steps of a run did, when nothing goes on any more: by path, how often each was executed.

    To be asked of ends that `differs` finds nothing wrong with, and of runs whose body has begun.
    """
    program = system.programs[index]
    walk = _Walk(Judge(system, index, key, facts))
    if status == "completed":
        walk.succeeded(program.root, "", result)
    elif status == "failed" and error is not None:
        walk.failed(program.root, "", described_info(error))
    known = located(program)
    for path, least in walk.must.items():
        if executions.get(path, 0) < least:
            return f"{path}: it was executed {executions.get(path, 0)} times, and must have been {least} times at least"
    for path in walk.never:
        if executions.get(path, 0):
            return f"{path}: it was executed, and the body cannot have come to it"
    for path, count in executions.items():
        place = known.get(path) or known.get(path.rpartition(".")[0])
        if place is None and not path.startswith(("undo:", "new:")) and path not in _ROLES:
            return f"{path}: it was executed, and is not of this program"
        if place is not None and place.node.op == "once" and count > 1:
            return f"{path}: it was executed {count} times, and may be once"
    for role, end in _ROLES.items():
        if bool(executions.get(role, 0)) != (status == end and getattr(program, f"has_{role}")):
            return f"{role}: it was executed {executions.get(role, 0)} times, and the run is {status}"
    return _undone(walk, [path for path, place in known.items() if place.node.op == "compensate"], status, executions)


def _undone(walk: "_Walk", paths: list[str], status: str, executions: Mapping[str, int]) -> str | None:
    for path in paths:
        undone = executions.get(f"undo:{path}", 0)
        if undone and (status == "completed" or not executions.get(path, 0)):
            return f"{path}: it was undone, though the run is {status} and it was executed {executions.get(path, 0)} times"
        if status == "failed" and path in walk.must and not undone:
            return f"{path}: it was not undone"
    return None


class _Walk:
    """Collects what must have been executed, and what cannot have been."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.must: dict[str, int] = {}
        self.never: list[str] = []

    def succeeded(self, node: Node, at: str, value: Any) -> None:
        """This is the node's value."""
        path = at + node.name
        match node.op:
            case "seq" | "parallel":
                for number, child in enumerate(node.children):
                    self.succeeded(child, at, value[number])
            case "race":
                winner: int = value[0]
                self.succeeded(node.children[winner], at, value[1])
            case "try" | "within" if value[0] == "ok":
                self.succeeded(node.children[0], at, value[1])
            case "try":
                self.failed(node.children[0], at, value[1:])
            case "each":
                for item, one in enumerate(value):
                    self._item(node, f"{path}.{item}/", one)
            case "map":
                for item, one in enumerate(value):
                    self.must[f"{path}.{item}"] = 0 if node.mode and one[1:2] == ["crashed"] else 1
            case _:
                self.surely(node, at)

    def _item(self, node: Node, at: str, value: Any) -> None:
        if not node.mode:
            self.succeeded(node.children[0], at, value)
        elif value[0] == "ok":
            self.succeeded(node.children[0], at, value[1])
        else:
            self.failed(node.children[0], at, value[1:])

    def surely(self, node: Node, at: str) -> None:
        """The node has a value, which is not known."""
        path = at + node.name
        match node.op:
            case "run" | "once" | "compensate" | "callback":
                self.must[path] = 1
            case "flaky":
                self.must[path] = node.amount + 1
            case "poll":
                self.must[path] = node.amount
            case "map" if not node.mode:
                self.must.update({f"{path}.{item}": 1 for item in range(node.amount)})
            case "seq" | "parallel":
                for child in node.children:
                    self.surely(child, at)
            case "each" if not node.mode:
                for item in range(node.amount):
                    self.surely(node.children[0], f"{path}.{item}/")
            case "try" if not self._judge.may_fail(node.children[0], at):
                self.surely(node.children[0], at)
            case _:
                pass

    def failed(self, node: Node, at: str, error: Error) -> None:
        """The node raised this."""
        path = at + node.name
        match node.op:
            case "fails" | "exhausted" if error[0] == "step":
                self.must[path] = 1 + node.amount
            case "polled_out":
                self.must[path] = 1
            case "callback" if error[0] != "crashed":
                self.must[path] = 1
            case "seq":
                self._seq_failed(node, at, error)
            case "race" if len(error) == 2:
                for child, one in zip(node.children, error[1], strict=True):
                    self.failed(child, at, one)
            case "within":
                self.failed(node.children[0], at, error)
            case _ if node.op in JOINS and node.op != "invoke_many":
                self._join_failed(node, path, at, error)
            case _:
                pass

    def _seq_failed(self, node: Node, at: str, error: Error) -> None:
        judge = self._judge
        able: list[int] = []
        for number, child in enumerate(node.children):
            if judge.failure(child, at, error) is None:
                able.append(number)
            if not judge.may_succeed(child, at):
                break
        for child in node.children[: able[0]]:
            self.surely(child, at)
        if len(able) == 1:
            self.failed(node.children[able[0]], at, error)
        for child in node.children[able[-1] + 1 :]:
            for place in places(child, at):
                items = range(place.node.amount) if place.node.op == "map" else ()
                self.never += [place.path, *(f"{place.path}.{item}" for item in items)]

    def _join_failed(self, node: Node, path: str, at: str, error: Error) -> None:
        """One of them raised it; which, is known when only one can. Of the others nothing is."""
        able = [item for item, one in enumerate(self._judge.items(node, path, at)) if one.failure(error) is None]
        if len(able) != 1:
            return
        match node.op:
            case "map" if error[0] == "step":
                self.must[f"{path}.{able[0]}"] = 1
            case "each":
                self.failed(node.children[0], f"{path}.{able[0]}/", error)
            case "parallel":
                self.failed(node.children[able[0]], at, error)
            case _:
                pass
