"""What `make bench` measures: the workloads, their figures, and the targets of each (docs/benchmarks.md explains them)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from benchmarks import aws, big, cloud, cold, inside
from benchmarks.figures import Figure, Target, at_least, at_most
from benchmarks.machine import python
from benchmarks.sides.process import recovery_s
from benchmarks.simulated import simulated
from benchmarks.sizes import Sizes

Measure: TypeAlias = Callable[[Path, Sizes], Mapping[str, float]]


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is done, once a round, and what is read off it."""

    name: str
    also: str = ""
    """Another name for it."""
    measure: Measure
    figures: tuple[Figure, ...]
    rounds: int = 5
    """As many as its time allows; `--rounds` says otherwise."""


def recovery(folder: Path, _sizes: Sizes) -> Mapping[str, float]:
    """W6."""
    return {"w6": recovery_s(python(), "benchmarks.sides.milepost_side", folder)}


def _replays() -> tuple[Figure, ...]:
    bounds = {"def": 4, "async": 10, "gathered": 25}
    names = {"def": "def", "async": "async, in sequence", "gathered": "async, gathered"}
    return tuple(
        Figure(
            key=f"replay.{label}.{how}",
            what=f"Replay of a recorded step, history of {steps}, {names[how]}",
            unit="µs",
            target=at_most(bounds[how]) if label == "10k" else None,
            on_disk=False,
        )
        for how in bounds
        for label, steps in (("100", "100"), ("1k", "1,000"), ("10k", "10,000"))
    )


PLAN: Final = (
    Workload(
        name="w1",
        also="w2",
        measure=cloud.sequences,
        figures=(
            Figure(key="w1.def", what="W1: ten steps in sequence, a step, def", unit="ms", target=at_most(0.65)),
            Figure(key="w1.async", what="W1: ten steps in sequence, a step, async", unit="ms", target=at_most(0.65)),
            Figure(key="w2.def", what="W2: a hundred in sequence, a step, def", unit="ms"),
            Figure(key="w2.async", what="W2: a hundred in sequence, a step, async", unit="ms"),
            Figure(key="w2.marginal.def", what="W2: marginal cost of a step, def", unit="ms", target=Target("at most", 0.4, plus_f=True)),
            Figure(
                key="w2.marginal.async", what="W2: marginal cost of a step, async", unit="ms", target=Target("at most", 0.4, plus_f=True)
            ),
        ),
    ),
    Workload(
        name="w3",
        measure=cloud.fan_out,
        figures=(
            Figure(key="w3.map", what="W3: a hundred parallel and join, by step.map", unit="ms", target=at_most(8)),
            Figure(key="w3.threads", what="W3: a hundred parallel and join, by step.parallel (threads)", unit="ms", target=at_most(24)),
            Figure(key="w3.gather", what="W3: a hundred parallel and join, by asyncio.gather", unit="ms", target=at_most(10)),
        ),
    ),
    Workload(
        name="w4",
        measure=cloud.crowd,
        figures=(
            Figure(key="w4.def", what="W4: 500 runs of five steps at once, def", unit="steps/s", target=at_least(3_000)),
            Figure(key="w4.async", what="W4: 500 runs of five steps at once, async", unit="steps/s", target=at_least(12_000)),
        ),
    ),
    Workload(
        name="w5",
        rounds=1,
        measure=cloud.naps,
        figures=tuple(
            Figure(
                key=f"w5.{when}.{quantile}.{how}",
                what=f"W5: overshoot of a one-second sleep, {what}, {quantile}, {how}",
                unit="ms",
                target=at_most(5) if quantile == "p50" else None,
            )
            for when, what in (("together", "20 at once"), ("alone", "one by one"))
            for quantile in ("p50", "p99")
            for how in ("def", "async")
        ),
    ),
    Workload(
        name="w6",
        measure=recovery,
        figures=(Figure(key="w6", what="W6: kill -9 after step 5 of 10, from restart to end", unit="s", target=at_most(1.5)),),
    ),
    Workload(
        name="fsyncs",
        rounds=1,
        measure=inside.fsyncs,
        figures=(
            Figure(key="fsyncs.def", what="Fsyncs of a run of n steps, above n", unit="", target=Target("exactly", 2), on_disk=False),
        ),
    ),
    Workload(
        name="cpu",
        rounds=3,
        measure=lambda folder, sizes: {**inside.processor(folder, sizes), **cloud.processor(folder, sizes)},
        figures=(
            Figure(key="cpu.memory.def", what="Processor a step, in memory, def", unit="µs", target=at_most(80), on_disk=False),
            Figure(key="cpu.memory.async", what="Processor a step, in memory, async", unit="µs", target=at_most(80), on_disk=False),
            Figure(key="cpu.fsync.def", what="Processor a step, each forced to disk, one run, def", unit="µs", target=at_most(250)),
            Figure(key="cpu.fsync.async", what="Processor a step, each forced to disk, one run, async", unit="µs", target=at_most(250)),
            Figure(key="cpu.crowd.def", what="Processor a step, as in W4, def", unit="µs"),
            Figure(key="cpu.crowd.async", what="Processor a step, as in W4, async", unit="µs"),
        ),
    ),
    Workload(name="replay", rounds=3, measure=inside.replay, figures=_replays()),
    Workload(
        name="memory",
        rounds=1,
        measure=inside.memory,
        figures=tuple(
            Figure(key=f"memory.{how}", what=f"Memory a record, {what}", unit="bytes", target=at_most(1_024), on_disk=False)
            for how, what in (("def", "def"), ("async", "async, in sequence"), ("gathered", "async, gathered"))
        ),
    ),
    Workload(
        name="import",
        rounds=1,
        measure=inside.imports,
        figures=(
            Figure(key="import.milepost", what="import milepost", unit="ms", on_disk=False),
            Figure(key="import.msgspec", what="import msgspec alone, for comparison", unit="ms", on_disk=False),
            Figure(key="import.boto3", what="import boto3, for comparison", unit="ms", on_disk=False),
            Figure(key="import.ratio", what="import milepost / import boto3", unit="", target=at_most(0.45), on_disk=False),
        ),
    ),
    Workload(
        name="sim",
        rounds=3,
        measure=simulated,
        figures=(
            Figure(
                key="sim", what="Simulated runs a minute on one core, faults and all", unit="runs", target=at_least(10_000), on_disk=False
            ),
        ),
    ),
    Workload(
        name="join",
        rounds=3,
        measure=cloud.join,
        figures=(
            Figure(key="join.map", what="Join of 1,000 results of 1 KB, by step.map", unit="ms"),
            Figure(key="join.gather", what="Join of 1,000 results of 1 KB, by asyncio.gather", unit="ms"),
        ),
    ),
    Workload(
        name="long",
        rounds=1,
        measure=big.long,
        figures=tuple(
            figure
            for how in ("def", "async")
            for figure in (
                Figure(key=f"long.s.{how}", what=f"30,000 steps in sequence in one run, {how}", unit="s"),
                Figure(key=f"long.rss.{how}", what=f"... peak memory of its process, {how}", unit="MB", target=at_most(256), on_disk=False),
                Figure(key=f"long.slices.{how}", what=f"... in slices of ten seconds, {how}", unit="slices", on_disk=False),
            )
        ),
    ),
    Workload(
        name="wide",
        rounds=1,
        measure=big.wide,
        figures=(
            Figure(key="wide.s", what="10,000 steps gathered", unit="s"),
            Figure(key="wide.rss", what="... peak memory of its process", unit="MB", on_disk=False),
        ),
    ),
    Workload(
        name="children",
        rounds=1,
        measure=big.children,
        figures=(
            Figure(key="children.s", what="10,000 children invoked", unit="s"),
            Figure(key="children.slices", what="... slices of their parent", unit="slices", target=at_most(50), on_disk=False),
            Figure(key="children.rss", what="... peak memory of the process of all", unit="MB", on_disk=False),
        ),
    ),
    Workload(
        name="checkpoint",
        measure=aws.checkpoint,
        figures=(
            Figure(key="checkpoint.boto3", what="Processor, a step's put by boto3's put_item", unit="µs", on_disk=False),
            Figure(key="checkpoint.plain", what="Processor, the same by the table through boto3", unit="µs", on_disk=False),
            Figure(key="checkpoint.direct", what="Processor, the same by the table's quick way", unit="µs", on_disk=False),
            Figure(key="checkpoint.ratio", what="The quick way beside put_item", unit="", target=at_most(0.6), on_disk=False),
        ),
        rounds=3,
    ),
    Workload(
        name="wire",
        measure=aws.replay,
        figures=(
            Figure(
                key="replay.wire",
                what="Replay of a recorded step from a DynamoDB answer, decoding included, history of 1,000, def",
                unit="µs",
                target=at_most(10),
                on_disk=False,
            ),
        ),
        rounds=3,
    ),
    Workload(
        name="decode",
        measure=aws.decoding,
        figures=(
            Figure(
                key="decode.record",
                what="Processor, decoding a record of a DynamoDB answer, history of 1,000",
                unit="µs",
                on_disk=False,
            ),
        ),
        rounds=3,
    ),
    Workload(
        name="cold",
        measure=cold.cold,
        figures=(
            Figure(key="cold.boto3", what="Processor, import boto3, for comparison", unit="ms", on_disk=False),
            Figure(
                key="cold.above", what="... the worker's handler above it, in a new process", unit="ms", target=at_most(130), on_disk=False
            ),
            Figure(key="cold.first", what="Cold start to the user's first line, from the start of Python", unit="ms", on_disk=False),
        ),
        rounds=1,
    ),
)
