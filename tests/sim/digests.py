"""What a seed's play comes to, in a line: `python -m tests.sim.digests FIRST BEYOND`, for another interpreter to say it."""

import sys
from collections.abc import Iterable
from zlib import crc32

from tests.sim.plan import plan_of
from tests.sim.shrink import Case, attempt
from tests.sim.timeline import Timeline


def digests(seeds: Iterable[int]) -> list[str]:
    """Of each seed: its number, its digest, and that of its timeline's text. A seed that breaks a law has one, too."""
    return [_digest(seed) for seed in seeds]


def _digest(seed: int) -> str:
    timeline = Timeline()
    world, failure = attempt(Case(plan=plan_of(seed)), timeline)
    text = timeline.text(world, last=1_000_000)
    law = "" if failure is None else f" {failure.law}"
    return f"{seed} {world.digest:08x} {crc32(text.encode()):08x} {text.count(chr(10))}{law}"


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in digests(range(int(sys.argv[1]), int(sys.argv[2])))))
