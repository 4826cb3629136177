"""Who says whether a rule takes an event: our engine, or Amazon's event-ruler, which EventBridge is built on."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from enum import Enum
from itertools import islice, product
from pathlib import Path
from typing import Any, Final

from milepost.engine.matchers import PatternError
from milepost.engine.patterns import Pattern, parse_json
from milepost.narrowing import is_dict
from tests.jars import compiled, jars, java
from tests.ruler.pairs import Pair

HERE: Final = Path(__file__).parent
_MOST_ALONE: Final = 5_000


class Verdict(Enum):
    """What becomes of an event and a pattern."""

    TAKEN = "1"
    LEFT = "0"
    REFUSED = "E"
    """There can be no rule of this pattern."""
    BROKEN = "X"
    """The engine broke down."""


def ours(pair: Pair) -> Verdict:
    """What `engine.patterns` says."""
    try:
        pattern = Pattern(parse_json(pair.pattern))
    except PatternError:
        return Verdict.REFUSED
    return Verdict.TAKEN if pattern.matches(parse_json(pair.event)) else Verdict.LEFT


def amazons(asked: Sequence[Pair]) -> list[Verdict]:
    """What event-ruler says. Raises NotHere where Java, Maven or the jar are missing."""
    classes = compiled(HERE / "Judge.java", jars(HERE / "pom.xml"))
    lines = "".join(f"{pair.pattern}\t{pair.event}\n" for pair in asked)
    done = subprocess.run(
        [java(), "-Xmx512m", "-cp", classes, "Judge"], input=lines, capture_output=True, text=True, timeout=600, check=True
    )
    answers = [Verdict(line[0]) for line in done.stdout.splitlines()]
    if len(answers) != len(asked):
        raise RuntimeError(f"{len(asked)} questions, {len(answers)} answers: {done.stderr[:1_000]}")
    return answers


def is_contradiction(pair: Pair, theirs: Verdict) -> bool:
    """Whether event-ruler says otherwise when it is asked for each element of the pattern's lists alone: a list is met when one of
    its elements is, an $or when one of its branches is. Version 2.1.0 confuses some wildcards with an equals-ignore-case beside them.
    """
    alone = list(islice(_alone(json.loads(pair.pattern)), _MOST_ALONE + 1))
    if len(alone) > _MOST_ALONE or theirs not in (Verdict.TAKEN, Verdict.LEFT):
        return False
    verdicts = amazons([Pair(pair.seed, json.dumps(pattern), pair.event) for pattern in alone])
    return (Verdict.TAKEN in verdicts) is not (theirs is Verdict.TAKEN)


def _alone(pattern: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The patterns of one element per leaf, and of one branch per $or, one of which is met when this one is."""
    for chosen in product(*(_choices(name, below) for name, below in pattern.items())):
        yield dict(zip(pattern, chosen, strict=True))


def _choices(name: str, below: Any) -> list[Any]:
    if is_dict(below):
        return list(_alone(below))
    if name == "$or":
        return [[alone, alone] for branch in below for alone in _alone(branch)]
    return [[element] for element in below]


def engine() -> str:
    """The name and version of Amazon's engine. Raises NotHere."""
    [jar] = jars(HERE / "pom.xml").glob("event-ruler-*.jar")
    return jar.stem
