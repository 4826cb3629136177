"""W1 to W5 and what else needs a whole local cloud: a state file on the real disk, the loop, its threads.

No run counts that has not ended right.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import functions
from benchmarks.bare import cpu_us, timed_ms
from benchmarks.functions import Asked, AskedAsync, Nap, app
from benchmarks.sizes import Sizes, Way
from milepost import Run
from milepost.functions import Function
from milepost.local import LocalCloud

PATIENCE: Final = timedelta(minutes=5)

SEQUENCES: Final[Mapping[Way, Function[Any, int]]] = {"def": functions.sequence, "async": functions.sequence_async}
ASKED: Final[Mapping[Way, Callable[[int], object]]] = {
    "def": lambda steps: Asked(steps=steps),
    "async": lambda steps: AskedAsync(steps=steps),
}


def one_run(cloud: LocalCloud, function: Function[Any, Any], data: object) -> Run[Any]:
    """From the call to the end of the run, as a caller sees it."""
    run = cloud.invoke(function, data)
    cloud.wait(run, timeout=PATIENCE)
    return run


def checked(run: Run[Any]) -> Run[Any]:
    """The run, which has completed. Raises AssertionError with its error."""
    if run.status != "completed":
        raise AssertionError(f"run {run.id} of {run.function} is {run.status}: {run.error}")
    return run


def median_ms(cloud: LocalCloud, function: Function[Any, Any], data: object, repeats: int) -> float:
    """Of so many runs one after the other, the first of which does not count."""
    runs = [one_run(cloud, function, data)]
    taken = statistics.median(timed_ms(lambda: runs.append(one_run(cloud, function, data))) for _ in range(repeats))
    for run in runs:
        checked(run)
    return taken


def sequences(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """W1 and W2, of the same cloud, so that their difference means something."""
    found: dict[str, float] = {}
    with LocalCloud(app, folder / "state.db") as cloud:
        for way in sizes.ways:
            few = median_ms(cloud, SEQUENCES[way], ASKED[way](sizes.few), sizes.repeats)
            many = median_ms(cloud, SEQUENCES[way], ASKED[way](sizes.many), sizes.repeats)
            found[f"w1.{way}"] = few / sizes.few
            found[f"w2.{way}"] = many / sizes.many
            found[f"w2.marginal.{way}"] = (many - few) / (sizes.many - sizes.few)
    return found


def fan_out(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """W3."""
    kinds: tuple[tuple[Way, str, Function[Any, Any]], ...] = (
        ("def", "map", functions.mapped),
        ("def", "threads", functions.branches),
        ("async", "gather", functions.gathered),
    )
    with LocalCloud(app, folder / "state.db") as cloud:
        return {
            f"w3.{name}": median_ms(cloud, function, Asked(steps=sizes.branches), sizes.repeats)
            for way, name, function in kinds
            if way in sizes.ways
        }


def crowd(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """W4: one send, so many runs, until the last has ended."""
    found: dict[str, float] = {}
    for way in sizes.ways:
        with LocalCloud(app, folder / f"{way}.db") as cloud:
            many_runs_ms(cloud, [ASKED[way](sizes.steps_each)] * 20)
            taken = many_runs_ms(cloud, [ASKED[way](sizes.steps_each)] * sizes.runs)
        found[f"w4.{way}"] = sizes.runs * sizes.steps_each / taken * 1000
    return found


def many_runs_ms(cloud: LocalCloud, events: Sequence[object]) -> float:
    """From one send of all events to the end of the last run."""
    runs: list[Run[Any]] = []
    taken = timed_ms(lambda: runs.extend(many_runs(cloud, events)))
    all_checked(runs, len(events))
    return taken


def many_runs(cloud: LocalCloud, events: Sequence[object]) -> list[Run[Any]]:
    """One send of all events; returns their runs, ended."""
    runs = cloud.send(*events)
    cloud.wait(*runs, timeout=PATIENCE)
    return runs


def _extend(runs: list[Run[Any]], cloud: LocalCloud, events: Sequence[object]) -> None:
    runs += many_runs(cloud, events)


def all_checked(runs: Sequence[Run[Any]], number: int) -> None:
    """So many, and each completed. Raises AssertionError."""
    if len(runs) != number:
        raise AssertionError(f"{len(runs)} runs instead of {number}")
    for run in runs:
        checked(run)


def naps(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """W5: how long after it was due a sleep of one second ended, in the first step after it."""
    found: dict[str, float] = {}
    for way in sizes.ways:
        function = functions.nap if way == "def" else functions.nap_async
        with LocalCloud(app, folder / f"{way}.db") as cloud:
            together = [cloud.invoke(function, Nap(ms=sizes.nap_ms)) for _ in range(sizes.naps)]
            cloud.wait(*together, timeout=PATIENCE)
            alone = [one_run(cloud, function, Nap(ms=sizes.nap_ms)) for _ in range(sizes.naps)]
            for when, runs in (("together", together), ("alone", alone)):
                late = sorted(overshoot_ms(run, sizes.nap_ms) for run in runs)
                found[f"w5.{when}.p50.{way}"] = statistics.median(late)
                found[f"w5.{when}.p99.{way}"] = late[-1 - len(late) // 100]
    return found


def overshoot_ms(run: Run[float], nap_ms: int) -> float:
    """Of a run of `nap`. Raises AssertionError when it woke too early."""
    recorded = [step.due_at for step in checked(run).steps if step.kind == "sleep" and step.due_at is not None]
    # An async body's slice waits out a short sleep, and writes nothing of it: it is counted from the run's start.
    due = recorded[0] if recorded else run.created_at + timedelta(milliseconds=nap_ms)
    late = (run.result - due.timestamp()) * 1000
    if late < 0:
        raise AssertionError(f"run {run.id} slept {-late} ms too short")
    return late


def processor(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """Processor time of a step where every one is forced to disk: one long run, then many at once."""
    found: dict[str, float] = {}
    for way in sizes.ways:
        with LocalCloud(app, folder / f"{way}.db") as cloud:
            checked(one_run(cloud, SEQUENCES[way], ASKED[way](sizes.few)))
            alone = cpu_us(partial(one_run, cloud, SEQUENCES[way], ASKED[way](sizes.cpu_steps)))
            runs: list[Run[Any]] = []
            events = [ASKED[way](sizes.steps_each)] * sizes.runs
            many = cpu_us(partial(_extend, runs, cloud, events))
            all_checked(runs, sizes.runs)
        found[f"cpu.fsync.{way}"] = alone / sizes.cpu_steps
        found[f"cpu.crowd.{way}"] = many / (sizes.runs * sizes.steps_each)
    return found


def join(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """A join of a thousand results of 1 KB each."""
    kinds: tuple[tuple[Way, str, Function[Any, Any]], ...] = (("def", "map", functions.joined), ("async", "gather", functions.joined_async))
    with LocalCloud(app, folder / "state.db") as cloud:
        return {
            f"join.{name}": median_ms(cloud, function, Asked(steps=sizes.joined), 3) for way, name, function in kinds if way in sizes.ways
        }
