"""The timeline of `milepost show`: which steps stand under which, and which of many are left out. Pure, and knows no colours.

A step stands under the step or the branches whose name its scope begins with; branches that have no record of their own are
given a line that says from when to when they were at work.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from milepost.cli.shapes import StepShape
from milepost.runs import StepStatus

CROWD: Final = 20
"""Steps under one step that are all shown; of more only the first, and those that are of interest."""
_FIRST: Final = 8

Place: TypeAlias = tuple[str, ...]


class Row(msgspec.Struct, frozen=True):
    """One line."""

    label: str
    depth: int
    step: StepShape | None
    """None: so many steps are left out here, the label says how many."""


def rows(steps: Sequence[StepShape], *, whole: bool) -> list[Row]:
    """The lines, parents before children, in the order in which steps began."""
    lines = [*steps, *_branches(steps)]
    known = {place_of(step) for step in lines}
    children: dict[Place, list[StepShape]] = {}
    for step in sorted(lines, key=lambda one: one.started_at):
        children.setdefault(_parent(place_of(step), known), []).append(step)
    for parent, inner in children.items():
        _gather(inner, len(parent))
    found: list[Row] = []
    _add(found, children, (), 0, whole=whole)
    return found


def _gather(steps: list[StepShape], depth: int) -> None:
    """Keep the steps of one branch together, branches in the order in which they began. ``steps`` are in order of time."""
    first: dict[str, int] = {}
    for number, step in enumerate(steps):
        first.setdefault(place_of(step)[depth], number)
    steps.sort(key=lambda step: first[place_of(step)[depth]])


def place_of(step: StepShape) -> Place:
    """Its scopes and its name."""
    return (*step.scope, step.name)


def _branches(steps: Sequence[StepShape]) -> list[StepShape]:
    """What a parallel or a race began, where nothing is recorded of it but what its branches did."""
    known = {place_of(step) for step in steps}
    groups: dict[str, list[StepShape]] = {}
    for step in steps:
        if step.scope and (step.scope[0],) not in known:
            groups.setdefault(step.scope[0], []).append(step)
    return [_branch(name, inner) for name, inner in groups.items()]


def _branch(name: str, inner: list[StepShape]) -> StepShape:
    ended = [step.ended_at for step in inner if step.ended_at is not None]
    status: StepStatus = "pending" if len(ended) < len(inner) else "failed" if any(one.status == "failed" for one in inner) else "completed"
    first = min(inner, key=lambda step: step.started_at)
    return msgspec.structs.replace(
        first,
        path=name,
        scope=[],
        name=name,
        kind="branches",
        status=status,
        attempts=0,
        ended_at=max(ended) if status != "pending" else None,
        due_at=None,
        result=msgspec.Raw(b"null"),
        error=None,
        child=None,
    )


def _parent(place: Place, known: set[Place]) -> Place:
    for length in range(len(place) - 1, 0, -1):
        if place[:length] in known:
            return place[:length]
    return ()


def _add(found: list[Row], children: dict[Place, list[StepShape]], parent: Place, depth: int, *, whole: bool) -> None:
    steps = children.get(parent, [])
    for number, step in enumerate(shown := steps if whole else _of_interest(steps)):
        place = place_of(step)
        found.append(Row("/".join(place[len(parent) :]), depth, step))
        _add(found, children, place, depth + 1, whole=whole)
        if number + 1 == _FIRST and len(shown) < len(steps):
            found.append(Row(f"{len(steps) - len(shown):,} more (--all)", depth, None))


def _of_interest(steps: list[StepShape]) -> list[StepShape]:
    if len(steps) <= CROWD:
        return steps
    return [*steps[:_FIRST], *(step for step in steps[_FIRST:] if step.status != "completed")]
