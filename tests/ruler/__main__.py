"""Compare engine.patterns with Amazon's own rule engine on generated pairs of pattern and event.

    python -m tests.ruler [--pairs N] [--from SEED] [--show N]

Where there is no Java, no Maven, or no way to the jar, it says so and compares nothing.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from tests.jars import NotHere
from tests.ruler.judging import Verdict, amazons, engine, is_contradiction, ours
from tests.ruler.pairs import pairs


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print, and say by the exit status whether all verdicts are the same."""
    parser = argparse.ArgumentParser(prog="python -m tests.ruler", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="SEED")
    parser.add_argument("--show", type=int, default=10, metavar="N", help="print so many differences at most")
    asked = parser.parse_args(arguments)
    drawn = list(pairs(asked.pairs, asked.first))
    try:
        name = engine()
        theirs = amazons(drawn)
    except NotHere as why:
        sys.stdout.write(f"contract-ruler: SKIPPED: {why}\n")
        return 0
    tally = Counter(theirs)
    others = [(pair, mine, verdict) for pair, verdict in zip(drawn, theirs, strict=True) if (mine := ours(pair)) is not verdict]
    differing = [other for other in others if not is_contradiction(other[0], other[2])]
    for pair, mine, verdict in differing[: asked.show]:
        sys.stdout.write(
            f"seed {pair.seed}: {name} says {verdict.name}, we say {mine.name}\n  pattern {pair.pattern}\n  event   {pair.event}\n"
        )
    counts = ", ".join(f"{tally[verdict]:,} {verdict.name.lower()}" for verdict in Verdict if tally[verdict])
    sys.stdout.write(
        f"contract-ruler: judged by {name}: {len(drawn):,} pairs ({counts}); {len(differing)} judged otherwise by us, "
        f"{len(others) - len(differing)} more where {name} contradicts itself\n"
    )
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
