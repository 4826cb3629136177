"""A seed that breaks a law, as it is shown: shrunken, with its programs, its faults and its timeline."""

from tests.sim.plan import plan_of
from tests.sim.shrink import SECONDS, Case, Failure, attempt, shrunken
from tests.sim.telling import failure_text
from tests.sim.timeline import Timeline

LAST = 400
"""Lines of a timeline that are shown."""


def shown_seed(seed: int, *, shrink: bool = True, seconds: float = SECONDS, all_runs: bool = False, last: int = LAST) -> str | None:
    """What a seed breaks; None when it breaks nothing."""
    _, failure = attempt(Case(plan=plan_of(seed)))
    if failure is None:
        return None
    found = shrunken(failure, seconds=seconds) if shrink else failure
    again = f"again: python -m tests.sim --from {seed} --seeds 1"
    if not shrink:
        return f"{again}\n{shown(found, all_runs=all_runs, last=last)}"
    return (
        f"seed {seed} breaks: {failure.law}\n  {failure.what}\n  {again}\nthe same, smaller: {shown(found, all_runs=all_runs, last=last)}"
    )


def shown(failure: Failure, *, all_runs: bool = False, last: int = LAST) -> str:
    """A failure, whole."""
    timeline = Timeline()
    world, _ = attempt(failure.case, timeline)
    return failure_text(world, failure.law, failure.what, all_runs=all_runs, last=last)
