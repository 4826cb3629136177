"""Why a play went wrong: which step did something twice, and what; or else where to look. In words, for the report.

A step is to blame when the play goes right, or less wrong, once its second execution is left out: that is tried, not guessed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill, indent
from typing import Final, TypeAlias

from milepost.testing.faults import Death, Last, NewestFirst
from milepost.testing.outcomes import About, Difference, Outcome, differences, more_items, other_values, short
from milepost.testing.playing import LeftOut, Played
from milepost.testing.witness import StepKey

WIDTH: Final = 100
_MOST: Final = 4
"""Things listed under one heading."""

Replay: TypeAlias = Callable[[LeftOut], Played]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    title: str
    """What is wrong, in a line."""
    text: str
    error: Exception | None = None
    """What the scenario raised."""

    @property
    def root(self) -> str:
        """The same for what is mended in one place: uses of one name, and items of one map, are one step."""
        return re.sub(r"(:\d+|/\d+)+'", "'", self.title)


def found_in(calm: Played, played: Played, replay: Replay) -> list[Finding]:
    """What is wrong in a play; nothing when it went as the calm one."""
    yardstick = calm.outcome
    if yardstick is None:
        raise ValueError("a yardstick that failed")
    found = [] if played.outcome is None else differences(yardstick, played.outcome)
    if played.outcome is not None and not found:
        return []
    others = [key for key in played.others if key not in calm.others]
    if others:
        return [_of_arguments(others[0], *played.others[others[0]])]
    blamed = _blamed(yardstick, played, _repeated(calm, played), replay)
    if blamed:
        return [_of_step(key, yardstick, played, without) for key, without in blamed]
    if played.error is not None:
        return [_of_scenario(played.error)]
    return [_of_fault(calm, played, found)]


def named_differences(calm: Outcome, other: Outcome) -> tuple[Difference | None, str]:
    """The first difference, and the first few in words."""
    found = differences(calm, other)
    return (found[0] if found else None), _listed([one.text for one in found])


# ---- who did it ------------------------------------------------------------------------------------------------------


def _repeated(calm: Played, played: Played) -> dict[StepKey, frozenset[int]]:
    """Steps that were executed more often than in the calm play, and which execution was one too many."""
    found: dict[StepKey, frozenset[int]] = {}
    for key, count in played.begun.items():
        if count > calm.begun.get(key, 1):
            again = frozenset(before[key] + 1 for before in played.begun_at_deaths if key in before)
            found[key] = again or frozenset({2})
    return found


def _blamed(calm: Outcome, played: Played, repeated: LeftOut, replay: Replay) -> list[tuple[StepKey, Played]]:
    """The steps without whose repetition less is wrong, and the play without it."""
    wrong = _wrongs(calm, played)
    alone = [(key, replay({key: which})) for key, which in repeated.items()]
    found = [(key, without) for key, without in alone if _wrongs(calm, without) < wrong]
    if not found and len(repeated) > 1:
        without = replay(repeated)
        found = [(key, without) for key in repeated if _wrongs(calm, without) < wrong]
    return found


def _wrongs(calm: Outcome, played: Played) -> int:
    return 1_000_000 if played.outcome is None else len(differences(calm, played.outcome))


# ---- a step that is not idempotent -----------------------------------------------------------------------------------


def _of_step(key: StepKey, calm: Outcome, played: Played, without: Played) -> Finding:
    parts = [_prose(f"It ran twice, because {_why(key, played)}.")]
    if played.outcome is not None and without.outcome is not None:
        parts += _left(without.outcome, played.outcome) or [f"So other things came of it:\n{_came_of(calm, played.outcome)}"]
    elif played.error is not None:
        parts.append(f"So the scenario failed:\n{_listed([_error(played.error)])}")
    parts.append(_prose(_idempotent(key.path)))
    return Finding(title=f"{key} is not idempotent", text="\n\n".join(parts), error=played.error)


def _idempotent(path: str) -> str:
    return (
        f'Make it idempotent: pass a key that is the same both times, such as f"{{step.run_id}}/{path}", to the service '
        "that it calls. Or use step.options(once=True): then it raises StepInterrupted instead of running again."
    )


def _why(key: StepKey, played: Played) -> str:
    if not played.deaths:
        return "messages came twice or in another order"
    death = played.deaths[-1]
    if death.kill.is_before and key.path in death.call.steps:
        return "the worker was killed after it had run and before its result was recorded"
    return "the worker was killed before its result was recorded"


def _left(without: Outcome, outcome: Outcome) -> list[str]:
    found: dict[str, list[str]] = {}
    for text, less, more in more_items(without, outcome):
        match less, more:
            case 1, 2:
                found.setdefault("It left twice:", []).append(text)
            case 0, 1:
                found.setdefault("The second time it left:", []).append(text)
            case _:
                found.setdefault("It left too often:", []).append(f"{text}, {more} times instead of {less}")
    for text in other_values(without, outcome):
        found.setdefault("The second time it changed what was right:", []).append(text)
    return [f"{heading}\n{_listed(texts)}" for heading, texts in found.items()]


def _came_of(calm: Outcome, outcome: Outcome) -> str:
    return _listed([one.text for one in differences(calm, outcome)])


# ---- anything else ---------------------------------------------------------------------------------------------------


def _of_arguments(key: StepKey, first: str, second: str) -> Finding:
    texts = [f"the first time:   ({short(first)})", f"the second time:  ({short(second)})"]
    text = f"It called step {key.path!r} with other arguments when it ran again:\n{_listed(texts)}\n\n{_prose(_BODY)}"
    return Finding(title=_not_deterministic(key.function), text=text)


def _of_scenario(error: Exception) -> Finding:
    text = (
        "It has to hold whatever happens to the workers. It cannot count port calls or writes (box.meter), nor rely on an exact "
        "time: what a dead worker held comes again two minutes later by the box's clock."
    )
    listed = _listed([_error(error)])
    return Finding(title="the scenario failed", text=f"It raised, in a play with a fault:\n{listed}\n\n{_prose(text)}", error=error)


def _error(error: Exception) -> str:
    lines = f"{type(error).__name__}: {error}".splitlines()
    return short(lines[0])


def _of_fault(calm: Played, played: Played, found: Sequence[Difference]) -> Finding:
    first = found[0]
    title, advice = _judged(calm, played, first)
    return Finding(title=title, text=f"This is different from the calm play:\n{_listed([one.text for one in found])}\n\n{_prose(advice)}")


def _judged(calm: Played, played: Played, first: Difference) -> tuple[str, str]:
    if first.about is About.END:
        return f"{first.function} did not end as it should", _UNENDED
    if isinstance(played.fault, Last | NewestFirst) or _is_reordered(calm.begun, played.begun):
        return "the outcome depends on the order in which messages come", _ORDER
    if first.about is About.EFFECT:
        unseen = [path for death in played.deaths if death.kill.is_before for path in death.call.steps]
        known = {key.path for key in played.begun}
        if unseen and unseen[0] not in known:  # the check of a wait_until
            return f"step {unseen[0]!r} of {_killed_function(played)} is not idempotent", _CALLED_AGAIN
        return f"{_killed_function(played)} does something outside of its steps", _OUTSIDE
    if first.about is About.RUN:
        return f"{first.function} was started outside of a step", _STARTED
    return _not_deterministic(first.function), f"{_BODY} {_TIME}"


def _not_deterministic(function: str | None) -> str:
    return f"the body of {function} is not deterministic"


def _is_reordered(calm: Mapping[StepKey, int], played: Mapping[StepKey, int]) -> bool:
    """Whether steps were first begun in another order."""
    return [key for key in played if key in calm] != [key for key in calm if key in played]


_BODY: Final = (
    "A body runs again from its beginning after each wait and each crash, and has to do the same each time: what reads a clock, "
    "draws a random number, or uses a global that changes belongs into a step."
)
_TIME: Final = "Or is something due within two minutes? That is what a crash takes by the box's clock."
_OUTSIDE: Final = (
    "No step ran twice to do this. A body runs again from its beginning after each wait and each crash, and nothing that it does "
    "itself is recorded: move it into step.run."
)
_STARTED: Final = (
    "No step ran twice to do this. A body runs again from its beginning after each wait and each crash: send events with "
    "step.send_event, and start functions with step.invoke."
)
_CALLED_AGAIN: Final = (
    "The worker was killed before the step's record was written, so its function was called again. It must be harmless to repeat: "
    "let it look only, or pass a key that is the same both times to the service that it calls."
)
_ORDER: Final = (
    "Messages come in any order, and a crash holds some of them up. Runs that work on the same thing need an order of their own: "
    "wait for an event, invoke the one from the other, or let each write only what no other writes."
)
_UNENDED: Final = (
    "Does the scenario let enough time pass, and does it do again what has to be done again? Does the body do the same whenever "
    "it runs, and leave BaseException alone?"
)


def _killed_function(played: Played) -> str:
    return next((seen for death in played.deaths if (seen := _function(death, played)) is not None), "a function")


def _function(death: Death, played: Played) -> str | None:
    run = death.call.run
    if played.outcome is not None and run in played.outcome.runs:
        return played.outcome.runs[run].function
    return next((key.function for key in played.begun if key.run == run), None)


# ---- layout ----------------------------------------------------------------------------------------------------------


def whereabouts(played: Played, calls: int) -> str:
    """What the deaths of a play interrupted, in words."""
    return ", then ".join(_death(death, played, calls) for death in played.deaths)


def _death(death: Death, played: Played, calls: int) -> str:
    function = _function(death, played)
    return f"port call {death.kill.call} of {calls}: {death.call.text}{'' if function is None else f' of {function}'}"


def _listed(texts: Sequence[str]) -> str:
    first = list(texts[:_MOST])
    return indent("\n".join([*first, f"... and {len(texts) - _MOST} more"] if len(texts) > _MOST else first), "    ")


def _prose(text: str) -> str:
    return fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
