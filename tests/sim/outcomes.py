"""How values and errors are written in outcomes: short, and of nothing that differs from run to run."""

from typing import Any, TypeGuard

from milepost import ErrorInfo, InvokeError, RaceError, StepError

Error = list[Any]
"""A kind, and what is known of it:

["step", message, node]      a step failed for good
["interrupted", node]        it was to run at most once, and its worker died
["crashed", node]            it has killed its worker too often
["timeout"]                  a callback, a poll or a child took too long
["child", its error | None]  a child failed, or was cancelled
["race", [errors]]           all branches failed

Of an error that was only stored, "child" and "race" know no more than that.
"""


def is_list(value: object) -> TypeGuard[list[Any]]:
    """It is a list, of whatever."""
    return isinstance(value, list)


def brief(value: str) -> str:
    """A step's value: its path, and how much stands after it."""
    path = value.rstrip("=")
    return path if path == value else f"{path}+{len(value) - len(path)}"


def described(error: Exception) -> Error:
    """An error that a body has caught."""
    match error:
        case StepError():  # first: it may be an instance of any other, too, without what that knows
            return described_info(error.info)
        case InvokeError():
            return ["child", None if error.cause is None else described_info(error.cause.info)]
        case RaceError():
            return ["race", [described(one) for one in error.errors]]
        case _:
            return ["timeout"]


def described_info(info: ErrorInfo) -> Error:
    """An error as it was stored."""
    match info.type.rpartition(".")[2]:
        case "InvokeError":
            return ["child"]
        case "RaceError":
            return ["race"]
        case "WaitTimeout":
            return ["timeout"]
        case "StepInterrupted":
            return ["interrupted", node_of(info.step or "")]
        case "WorkerCrashed":
            return ["crashed", node_of(info.step or "")]
        case _:
            return ["step", info.message, node_of(info.step or "")]


def node_of(step: str) -> str:
    """The name of the node that a step's path, with its scopes, belongs to: ``n2/0/n3~submit`` is n3's, ``n4/1`` is n4's."""
    names = [part for part in step.split("/") if part and not part.isdigit()]
    return names[-1].partition("~")[0] if names else ""
