"""What processor and memory alone decide: replay, processor time without the disk, memory, the count of fsyncs, imports."""

import statistics
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmarks import functions
from benchmarks.bare import Bare, cpu_us, peak_bytes, timed_ms
from benchmarks.cloud import ASKED, SEQUENCES, checked
from benchmarks.functions import LONG, Asked, app
from benchmarks.machine import environment, python
from benchmarks.sizes import Sizes
from milepost.functions import Function


def _replays(sizes: Sizes) -> Iterable[tuple[str, Function[Any, Any]]]:
    if "def" in sizes.ways:
        yield "def", functions.replayed
    if "async" in sizes.ways:
        yield "async", functions.replayed_async
        yield "gathered", functions.replayed_gathered


def replay(_folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """The slice that comes back after a long sleep at the end of so many steps, less the same after one step."""
    found: dict[str, float] = {}
    for how, function in _replays(sizes):
        nothing = _slice_ms(function, 1, sizes.repeats)
        for steps, label in zip(sizes.histories, ("100", "1k", "10k"), strict=True):
            found[f"replay.{label}.{how}"] = max(_slice_ms(function, steps, sizes.repeats) - nothing, 0) * 1000 / steps
    return found


def _slice_ms(function: Function[Any, Any], steps: int, repeats: int) -> float:
    """The median of five, in one run that sleeps five times; of short histories, in several such runs."""
    taken: list[float] = []
    for _ in range(max(1, min(repeats, 2_000 // steps))):
        with Bare(app) as bare:
            run = bare.invoke(function, Asked(steps=steps))
            bare.deliver_all()
            for _ in range(5):
                bare.advance(LONG)
                taken.append(timed_ms(bare.deliver_all))
            checked(run)
    return statistics.median(taken)


def processor(_folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """Processor time of a step in memory: everything but the disk."""
    found: dict[str, float] = {}
    for way in sizes.ways:
        with Bare(app) as bare:
            bare.invoke(SEQUENCES[way], ASKED[way](1))
            bare.deliver_all()
            run = bare.invoke(SEQUENCES[way], ASKED[way](sizes.cpu_steps))
            found[f"cpu.memory.{way}"] = cpu_us(bare.deliver_all) / sizes.cpu_steps
            checked(run)
    return found


def memory(_folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """What Python holds at most while a history is replayed, by record."""
    steps = sizes.histories[-1]
    found: dict[str, float] = {}
    for how, function in _replays(sizes):
        with Bare(app) as bare:
            run = bare.invoke(function, Asked(steps=steps))
            bare.deliver_all()
            bare.advance(LONG)
            found[f"memory.{how}"] = peak_bytes(bare.deliver_all) / steps
            assert run.status == "waiting", run.error
    return found


def fsyncs(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """Those of a sequential run, from the receipt of its message to its acknowledgement, over its steps."""
    with Bare(app, folder / "state.db") as bare:
        run = bare.invoke(functions.sequence, Asked(steps=sizes.many))
        before = bare.store.fsyncs
        bare.deliver_all()
        checked(run)
        return {"fsyncs.def": bare.store.fsyncs - before - sizes.many}


def imports(_folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """In processes of their own, by turns, the median of each."""
    names = ("milepost", "msgspec", "boto3")
    taken: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(sizes.imports + 1):
        for name in names:
            taken[name].append(_import_ms(name))
    found = {f"import.{name}": statistics.median(times[1:]) for name, times in taken.items()}
    return {**found, "import.ratio": found["import.milepost"] / found["import.boto3"]}


def _import_ms(name: str) -> float:
    code = f"import time; begun = time.perf_counter(); import {name}; print((time.perf_counter() - begun) * 1000)"
    return float(subprocess.run([python(), "-c", code], check=True, capture_output=True, env=environment()).stdout)
