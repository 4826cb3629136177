"""Proof that the simulator works: bugs planted into the engine, each found within a fixed range of seeds.

    python -m tests.sim.mutants [NAME...] [--jobs N] [--markdown]

The range is what one core plays in about a minute. A mutant that is not found in it is a gap of the simulator.

Gaps that are known, and not among the mutants, for no seed of the range shows them: `Order._base_of` that gives nothing,
`Journal.begin` that puts one pending record of a def body over another, and `waits.unreached` that gives nothing.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Final, TextIO

import msgspec

from tests.sim.laws import Broken
from tests.sim.mutations import ends, events, leases, records, servings, times
from tests.sim.mutations.planting import Mutant
from tests.sim.plan import Plan, plan_of
from tests.sim.world import World

SEEDS: Final = range(1_000)
"""About a minute of one core."""
MUTANTS: Final[dict[str, Mutant]] = {
    mutant.name: mutant for module in (leases, times, events, records, ends, servings) for mutant in module.GARDEN.mutants
}


class Find(msgspec.Struct, frozen=True, kw_only=True):
    """How a mutant was found, or that it was not."""

    name: str
    law: str = ""
    """Empty: it was not found."""
    said: str = ""
    seed: int = -1
    plays: int
    seconds: float
    """Of processor time."""


def hunt(mutant: Mutant, seeds: Sequence[int] = SEEDS) -> Find:
    """Play the seeds on the mutated engine until a law is broken that the engine as it is keeps."""
    begun = time.process_time()
    for plays, seed in enumerate(seeds, 1):
        with mutant.planted():
            broken = breaks(plan(mutant, seed))
        if broken is not None and breaks(plan(mutant, seed)) is None:
            law = broken.law if isinstance(broken, Broken) else f"the engine raises {type(broken).__name__}"
            return Find(name=mutant.name, law=law, said=str(broken), seed=seed, plays=plays, seconds=time.process_time() - begun)
    return Find(name=mutant.name, plays=len(seeds), seconds=time.process_time() - begun)


def plan(mutant: Mutant, seed: int) -> Plan:
    """A seed's plan, with the rates that matter to the mutant."""
    drawn = plan_of(seed)
    return drawn if mutant.focus is None else mutant.focus(drawn)


def breaks(plan: Plan) -> BaseException | None:
    """What goes wrong in a play."""
    try:
        World(plan).play()
    except Exception as broken:  # noqa: BLE001 - whatever it is, the bug has shown itself
        return broken
    return None


# ---- the table -------------------------------------------------------------------------------------------------------


def _hunt(name: str) -> Find:
    return hunt(MUTANTS[name])


def _hunted(names: Sequence[str], jobs: int) -> Iterator[Find]:
    if jobs == 1:
        yield from map(_hunt, names)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_hunt, names)


def row(find: Find, *, markdown: bool) -> str:
    """A line of the table."""
    law = find.law or "NOT FOUND"
    if markdown:
        mutant = MUTANTS[find.name]
        how = f"{law}; in seeds with {mutant.focused_on}" if mutant.focused_on else law
        return f"| {find.name} | {mutant.what} | {how} | {find.seed if find.law else ''} | {find.plays:,} | {find.seconds:.1f} |"
    seed = f"seed {find.seed}" if find.law else ""
    return f"{find.name:<52} {law:<36} {seed:<9} {find.plays:>5} plays {find.seconds:>6.1f} s"


def _say(line: str, to: TextIO = sys.stdout) -> None:
    to.write(f"{line}\n")
    to.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunt, print, and say by the exit status whether all were found."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.mutants", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants to hunt; all if none is named")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one per core)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name not in MUTANTS]
    if unknown:
        parser.error(f"there is no mutant {unknown[0]!r}; there are {', '.join(MUTANTS)}")
    if asked.markdown:
        _say("| bug | what the engine does | broken law | seed | plays | seconds |\n|---|---|---|--:|--:|--:|")
    begun = time.monotonic()
    finds: list[Find] = []
    for find in _hunted(asked.names or list(MUTANTS), asked.jobs):
        finds.append(find)
        _say(row(find, markdown=asked.markdown))
    missed = [find.name for find in finds if not find.law]
    text = f"{len(finds) - len(missed)} of {len(finds)} found within {len(SEEDS):,} seeds each, in {time.monotonic() - begun:.0f} s"
    _say(text, sys.stderr if asked.markdown else sys.stdout)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
