"""Many seeds, one after the other, in as many processes as there are cores; and what came of them.

The seeds are played in chunks, whose tallies are added up in the order of seeds: a campaign of so many runs ends at the same seed
wherever it is played. The only part of the simulator that reads a real clock, to say how fast it was.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from time import process_time

import msgspec

from tests.sim.plan import plan_of
from tests.sim.shrink import law_of
from tests.sim.world import World

CHUNK = 20
_RARELY = (100_000, 20, 100)
_AHEAD = 3
"""Chunks that wait for each process."""


class Failed(msgspec.Struct, frozen=True):
    """A seed that broke a law."""

    seed: int
    law: str
    what: str


class Tally(msgspec.Struct, kw_only=True):
    """What came of some seeds."""

    seeds: int = 0
    runs: int = 0
    deliveries: int = 0
    calls: int = 0
    faults: dict[str, int] = {}
    """How often each kind struck."""
    actions: dict[str, int] = {}
    """How often the outside did what."""
    virtual_ms: int = 0
    swept: int = 0
    """Runs that the sweeper found."""
    cpu_s: float = 0
    failed: list[Failed] = []

    def add(self, other: Tally) -> None:
        """Count what came of others, too."""
        for name in ("seeds", "runs", "deliveries", "calls", "virtual_ms", "swept", "cpu_s"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults = _sum(self.faults, other.faults)
        self.actions = _sum(self.actions, other.actions)
        self.failed = [*self.failed, *other.failed]

    @property
    def runs_a_minute(self) -> float:
        """On one core."""
        return 60 * self.runs / self.cpu_s if self.cpu_s else 0

    def line(self) -> str:
        """All of it in a line."""
        return (
            f"{self.seeds:,} seeds · {self.runs:,} runs · {sum(self.faults.values()):,} faults · {len(self.failed)} failed"
            f" · {self.runs_a_minute:,.0f} runs a minute and core"
        )


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in sorted({*one, *other})}


def play_seeds(first: int, count: int) -> Tally:
    """Play seeds here. What goes wrong is told in the tally."""
    tally = Tally()
    begun = process_time()
    before = gc.get_threshold()
    gc.set_threshold(*_RARELY)  # a world is one heap of cycles, and is dropped as a whole
    try:
        for seed in range(first, first + count):
            _play(seed, tally)
    finally:
        gc.set_threshold(*before)
    tally.seeds = count
    tally.cpu_s = process_time() - begun
    return tally


def _play(seed: int, tally: Tally) -> None:
    plan = plan_of(seed)
    world = World(plan)
    try:
        world.play()
    except Exception as error:  # noqa: BLE001 - told, and the next seed may tell more
        tally.failed.append(Failed(seed, law_of(error), str(error)))
    tally.runs += world.runs
    tally.deliveries += world.deliveries
    tally.calls += world.calls
    tally.virtual_ms += world.virtual_ms
    tally.swept += world.swept
    for fault in world.faults.struck:
        tally.faults[fault.kind] = tally.faults.get(fault.kind, 0) + 1
    for kind, times in world.done.items():
        tally.actions[kind] = tally.actions.get(kind, 0) + times


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """Which seeds are played: so many, or as many as have so many runs."""

    first: int = 0
    seeds: int | None = None
    runs: int | None = None
    jobs: int = 1
    most_failures: int | None = None
    """It stops after the chunk in which there are so many."""

    def play(self, progress: Callable[[Tally], None]) -> Tally:
        """Play them; `progress` is told after each chunk."""
        tally = Tally()
        for one in self._tallies():
            tally.add(one)
            progress(tally)
            if self._is_over(tally):
                break
        return tally

    def _is_over(self, tally: Tally) -> bool:
        is_enough = self.runs is not None and tally.runs >= self.runs
        return is_enough or (self.most_failures is not None and len(tally.failed) >= self.most_failures)

    def _chunks(self) -> Iterator[tuple[int, int]]:
        last = None if self.seeds is None or self.runs is not None else self.first + self.seeds
        at = self.first
        while last is None or at < last:
            count = CHUNK if last is None else min(CHUNK, last - at)
            yield at, count
            at += count

    def _tallies(self) -> Iterator[Tally]:
        if self.jobs == 1:
            yield from (play_seeds(*chunk) for chunk in self._chunks())
            return
        executor = ProcessPoolExecutor(self.jobs, mp_context=multiprocessing.get_context("spawn"))
        under_way: deque[Future[Tally]] = deque()
        try:
            for chunk in self._chunks():
                under_way.append(executor.submit(play_seeds, *chunk))
                if len(under_way) >= self.jobs * _AHEAD:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            executor.shutdown(cancel_futures=True)


def told(text: str) -> None:
    """Say how far it is."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
