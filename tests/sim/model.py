"""Which ends of a run are allowed, given what its world did: the program and its outcome are walked together.

`differs` judges a run's end, `differs_at` what a body saw at one place, `effects` what its steps did. Each says what is wrong
in a sentence, or None. Nothing is enumerated: where chance has the word (who wins a race, which event a wait gets) the
outcome says how it went, and the model whether it could have gone so. What the losers of a race did is free.
"""

from typing import Any

from milepost import ErrorInfo
from tests.sim.effects import effects
from tests.sim.facts import Answer, Facts, Telling, located, unsettled
from tests.sim.judge import Judge
from tests.sim.outcomes import described_info, is_list
from tests.sim.programs import System

__all__ = ["Answer", "Facts", "Telling", "differs", "differs_at", "effects", "may_be_cancelled", "unsettled"]


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
    if place.node.op != "try" and is_list(outcome) and outcome[:1] == ["!"]:
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
