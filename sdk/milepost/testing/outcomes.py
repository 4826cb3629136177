"""What anybody can see when a play is over, runs, steps and effects, and in what two plays differ.

Everything is compared as text that is the same for equal values, and without order where nobody promises one.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeGuard

import msgspec

from milepost.narrowing import is_dict, is_mapping
from milepost.runs import Run, RunStatus, StepRecord

_NOT_COMPARED: Final = frozenset({"timer", "note"})
"""Kinds of records that a run has or has not, by when it was suspended."""
_ADDRESS: Final = re.compile(r" at 0x[0-9a-f]+")
_DEEPEST: Final = 12
_PLAIN: Final[tuple[type[Any], ...]] = (list, tuple, set, frozenset, deque)
INTERRUPTED: Final = "milepost.errors.StepInterrupted"


class About(Enum):
    """What two plays differ in; the first in this order says most."""

    END = "end"
    """A run has not ended that ended in the calm play, or the other way round."""
    STEP = "step"
    RESULT = "result"
    RUN = "run"
    """There is a run more, or one less."""
    EFFECT = "effect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing in which a play differs from the calm one."""

    about: About
    text: str
    function: str | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSeen:
    """A run, as it was at the end of a play."""

    function: str
    status: RunStatus
    outcome: str
    """Its result, its error, or why it waits."""
    steps: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Status and result by path, oldest first."""

    def __str__(self) -> str:
        return f"{self.function} {self.status.value} {self.outcome} {sorted(self.steps.items())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that anybody can see."""

    runs: dict[str, RunSeen]
    effects: Counter[tuple[str, str]]
    """Where and what, by how often it is there."""
    has_effects: bool
    interrupted: frozenset[str] = frozenset()
    """Steps with `once` in which a worker died, as ``step 'pay' of order``."""


# ---- seeing ----------------------------------------------------------------------------------------------------------


def outcome_of(runs: Iterable[Run[Any]], effects: object) -> Outcome:
    """What there is now; runs in any order."""
    seen: dict[str, RunSeen] = {}
    interrupted: set[str] = set()
    for run in sorted(runs, key=lambda run: (run.created_at, run.id)):
        steps = run.steps
        interrupted |= {f"step {step.path!r} of {run.function}" for step in steps if step.error and step.error.type == INTERRUPTED}
        seen[run.id] = _seen(run, steps)
    return Outcome(runs=seen, effects=flat(effects), has_effects=effects is not None, interrupted=frozenset(interrupted))


def _seen(run: Run[Any], steps: list[StepRecord]) -> RunSeen:
    view = run.view
    match view.status:
        case RunStatus.COMPLETED:
            outcome = shown(run.result)
        case RunStatus.FAILED:
            outcome = "an error" if view.error is None else f"{view.error.type.rpartition('.')[2]}: {view.error.message}"
        case RunStatus.PAUSED:
            outcome = view.reason or ""
        case _:
            outcome = ""
    compared = [] if view.status is RunStatus.CANCELLED else steps  # how far a cancelled run had got is chance
    by_path = {step.path: (_status(step), shown(step.result)) for step in compared if step.kind not in _NOT_COMPARED}
    return RunSeen(function=view.function, status=view.status, outcome=outcome, steps=by_path)


def _status(step: StepRecord) -> str:
    """Of a child that lost a race: its own answer, that it was cancelled, may come before its parent notes that it is."""
    return "lost" if step.kind == "invoke" and step.status in ("failed", "cancelled") else step.status


def flat(value: object) -> Counter[tuple[str, str]]:
    """Effects as single things: where each is, and what. The items of a list or set are things of their own, in no order."""
    return Counter(_things(value, "", 0)) if value is not None else Counter()


def _things(value: object, place: str, depth: int) -> Iterator[tuple[str, str]]:
    fields = _fields(value)
    if is_mapping(value):
        for key, inner in value.items():
            yield from _things(inner, f"{place}[{key!r}]" if place else str(key), depth + 1)
    elif _is_collection(value) and not hasattr(value, "_fields"):
        for item in value:
            yield f"{place}[]", shown(item)
    elif fields is not None and depth < _DEEPEST:
        for name, inner in fields.items():
            yield from _things(inner, f"{place}.{name}" if place else name, depth + 1)
    else:
        yield place, shown(value)


def _is_collection(value: object) -> TypeGuard[Iterable[object]]:
    return isinstance(value, list | tuple | deque | set | frozenset)


def shown(value: object, depth: int = 0) -> str:
    """A value as text: the same for equal values, in every play."""
    if depth > _DEEPEST:
        return "..."
    if is_dict(value) and type(value) is dict:
        return "{" + ", ".join(f"{shown(key, depth + 1)}: {shown(inner, depth + 1)}" for key, inner in value.items()) + "}"
    if _is_collection(value) and type(value) in _PLAIN:
        parts = [shown(item, depth + 1) for item in value]
        match value:
            case list():
                return f"[{', '.join(parts)}]"
            case tuple():
                return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
            case _:
                return "{" + ", ".join(sorted(parts)) + "}"
    fields = _fields(value) if type(value).__repr__ is object.__repr__ else None
    if fields is not None:
        return f"{type(value).__name__}({', '.join(f'{name}={shown(inner, depth + 1)}' for name, inner in fields.items())})"
    return _ADDRESS.sub("", repr(value))


def _fields(value: object) -> Mapping[str, object] | None:
    """What a fake or a record keeps, by name; None of a value that is one thing."""
    if isinstance(value, type | Enum | BaseException):
        return None
    if isinstance(value, msgspec.Struct):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    names: list[str] = list(getattr(type(value), "__dataclass_fields__", ()))
    if names:
        return {name: getattr(value, name) for name in names}
    if type(value).__repr__ is not object.__repr__ or callable(value) or not hasattr(value, "__dict__"):
        return None
    return dict(vars(value))


# ---- comparing -------------------------------------------------------------------------------------------------------


def differences(calm: Outcome, other: Outcome) -> list[Difference]:
    """In what the other differs, what says most first. Where a worker died in a step with `once`, its run goes another way
    by right: then only runs that did not end, and effects that are there more often than in the calm play.
    """
    if other.interrupted - calm.interrupted:
        return list(_beyond(calm, other))
    pairs, missing, extra = _paired(calm.runs, other.runs)
    found = [difference for before, after in pairs for difference in _of_run(before, after)]
    found += [Difference(about=About.RUN, text=f"a run of {run.function} is missing", function=run.function) for run in missing]
    found += [Difference(about=About.RUN, text=f"there is one more run of {run.function}", function=run.function) for run in extra]
    found += _of_effects(calm.effects, other.effects)
    order = list(About)
    return sorted(found, key=lambda one: order.index(one.about))


def _beyond(calm: Outcome, other: Outcome) -> Iterator[Difference]:
    pairs, _, _ = _paired(calm.runs, other.runs)
    for before, after in pairs:
        if before.status.is_terminal and not after.status.is_terminal:
            yield Difference(about=About.END, text=_unended(before, after), function=before.function)
    known = Counter({thing: count for thing, count in other.effects.items() if thing in calm.effects})
    yield from _of_effects(calm.effects, calm.effects | known)


def _paired(
    calm: Mapping[str, RunSeen], other: Mapping[str, RunSeen]
) -> tuple[list[tuple[RunSeen, RunSeen]], list[RunSeen], list[RunSeen]]:
    """Runs of one id; then those that are equal; then those of one function, in order."""
    pairs = [(run, other[id_]) for id_, run in calm.items() if id_ in other and other[id_].function == run.function]
    missing = [run for id_, run in calm.items() if id_ not in other]
    extra = [run for id_, run in other.items() if id_ not in calm]
    for sort in (str, _function_of):
        for run in list(missing):
            partner = next((one for one in extra if sort(run) == sort(one)), None)
            if partner is not None:
                pairs.append((run, partner))
                missing.remove(run)
                extra.remove(partner)
    return pairs, missing, extra


def _function_of(run: RunSeen) -> str:
    return run.function


def _of_run(before: RunSeen, after: RunSeen) -> Iterator[Difference]:
    name = before.function
    if before.status.is_terminal is not after.status.is_terminal:
        yield Difference(about=About.END, text=_unended(before, after), function=name)
    elif (before.status, before.outcome) != (after.status, after.outcome):
        yield Difference(about=About.RESULT, text=_otherwise(before, after), function=name)
    for path in [*before.steps, *(path for path in after.steps if path not in before.steps)]:
        was, is_ = before.steps.get(path), after.steps.get(path)
        if was != is_:
            yield Difference(about=About.STEP, text=_of_step(f"step {path!r} of {name}", was, is_), function=name, path=path)


def _unended(before: RunSeen, after: RunSeen) -> str:
    if after.status.is_terminal:
        return f"{before.function} {_ended(after)}, and was {before.status.value} in the calm play when it ended"
    pending = [path for path, (status, _) in after.steps.items() if status == "pending"]
    what = f" for step {pending[0]!r}" if pending and after.status is RunStatus.WAITING else ""
    why = f": {after.outcome}" if after.outcome else ""
    return f"{before.function} did not end: it is {after.status.value}{what}{why}"


def _otherwise(before: RunSeen, after: RunSeen) -> str:
    if before.status is after.status is RunStatus.COMPLETED:
        return f"{before.function} returned {short(after.outcome)} instead of {short(before.outcome)}"
    if before.status is after.status is RunStatus.FAILED:
        return f"{before.function} failed with {short(after.outcome)} instead of {short(before.outcome)}"
    return f"{before.function} {_ended(after)}, and {_ended(before)} in the calm play"


def _ended(run: RunSeen) -> str:
    match run.status:
        case RunStatus.COMPLETED:
            return f"returned {short(run.outcome)}"
        case RunStatus.FAILED:
            return f"failed with {short(run.outcome)}"
        case _:
            return f"is {run.status.value}"


def _of_step(name: str, was: tuple[str, str] | None, is_: tuple[str, str] | None) -> str:
    if is_ is None:
        return f"{name} is not there"
    if was is None:
        return f"{name} is there, and was not in the calm play"
    if was[0] != is_[0]:
        return f"{name} is {is_[0]} instead of {was[0]}"
    return f"{name} returned {short(is_[1])} instead of {short(was[1])}"


def more_items(less: Outcome, more: Outcome) -> list[tuple[str, int, int]]:
    """What lists and sets hold more often; and how often less and more are."""
    found = more.effects - less.effects
    return [(_thing_text(*thing), less.effects[thing], more.effects[thing]) for thing in found if thing[0].endswith("[]")]


def other_values(was: Outcome, is_: Outcome) -> list[str]:
    """Which single values are others, in words."""
    before, after = (Counter({thing: count for thing, count in one.effects.items() if thing[0][-2:] != "[]"}) for one in (was, is_))
    return [one.text for one in _of_effects(before, after)]


def _of_effects(calm: Counter[tuple[str, str]], other: Counter[tuple[str, str]]) -> Iterator[Difference]:
    missing, extra = calm - other, other - calm
    for (place, what), count in extra.items():
        was = next((text for at, text in missing if at == place), None) if not place.endswith("[]") else None
        if was is not None:
            yield Difference(about=About.EFFECT, text=f"{place or 'it'} is {short(what)} instead of {short(was)}")
        else:
            times = calm[place, what] + count
            often = f", {times} times instead of {calm[place, what]}" if calm[place, what] else ""
            yield Difference(about=About.EFFECT, text=f"{_thing_text(place, what)}{often}")
    for place, what in missing:
        if place.endswith("[]") or all(at != place for at, _ in extra):
            yield Difference(about=About.EFFECT, text=f"{_thing_text(place, what)} is missing")


def _thing_text(place: str, what: str) -> str:
    at = place.removesuffix("[]")
    return f"{at}: {short(what)}" if at else short(what)


def short(text: str, most: int = 200) -> str:
    """Not more than fits on a line or two."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
