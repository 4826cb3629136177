"""`python -m benchmarks [WORKLOAD ...]`: one table, each figure the median of several rounds, beside F (see disk.py)."""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.disk import fdatasync_ms, patient_ms
from benchmarks.figures import Result, Sample
from benchmarks.machine import BUILD, machine
from benchmarks.pages import HEADINGS, PAGE, README, keep, lines, measured, report, show, summary, write_part
from benchmarks.plan import PLAN, Workload
from benchmarks.sizes import FULL, TINY, WAYS, Sizes

TARGET = "make bench"


def main(arguments: Sequence[str]) -> None:
    """Measure what is asked for."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    names: list[str] = asked.workloads
    if asked.write and (names or asked.way or asked.tiny):
        parser.error("--write is for all workloads, whole")
    chosen = [workload for workload in PLAN if not names or {workload.name, workload.also} & {*names}]
    sizes = msgspec.structs.replace(TINY if asked.tiny else FULL, ways=tuple(asked.way or WAYS))
    samples = rounds_of(chosen, sizes, rounds=asked.rounds, patience_s=0 if asked.tiny else asked.patience)
    figures = [figure for workload in chosen for figure in workload.figures if samples[figure.key]]
    if asked.tiny:
        figures = [msgspec.structs.replace(figure, target=None) for figure in figures]
    results = [Result(figure=figure, samples=samples[figure.key]) for figure in figures]
    command = TARGET if asked.write else " ".join(["python -m benchmarks", *arguments])
    found = report(command, machine(), results)
    if asked.json:
        print(msgspec.json.encode(found).decode())
    else:
        show(f"{found.command}: {found.machine.text()}", HEADINGS, lines(found))
    if asked.write:
        keep("bench", found)
        write_part(PAGE, TARGET, measured(found))
        write_part(README, TARGET, summary(found))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure speed and cost beside the disk they stand on.")
    parser.add_argument(
        "workloads",
        nargs="*",
        choices=[[], *filter(None, (name for workload in PLAN for name in (workload.name, workload.also)))],
        help="all, when none is named",
    )
    parser.add_argument("--rounds", type=int, help="rounds of each workload; each has its own number")
    parser.add_argument("--way", action="append", choices=WAYS, help="only functions of this kind; both, when not given")
    parser.add_argument("--patience", type=float, default=15, help="seconds that a round waits for a fast disk at most; 15")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--write", action="store_true", help="keep the figures in build/bench, docs/benchmarks.md and README.md")
    parser.add_argument("--tiny", action="store_true", help="small sizes: shows that the workloads run, and nothing else")
    return parser


def rounds_of(chosen: Sequence[Workload], sizes: Sizes, *, rounds: int | None = None, patience_s: float = 0) -> Mapping[str, list[Sample]]:
    """Every figure's samples: the workloads by turns, F before and after each, every time on a fresh file."""
    samples: dict[str, list[Sample]] = {figure.key: [] for workload in chosen for figure in workload.figures}
    BUILD.mkdir(parents=True, exist_ok=True)
    for turn in range(max(rounds or workload.rounds for workload in chosen)):
        for workload in chosen:
            if turn >= (rounds or workload.rounds):
                continue
            print(f"{workload.name}, round {turn + 1}", file=sys.stderr)
            for key, sample in one_round(workload, sizes, patience_s).items():
                samples[key].append(sample)
    return samples


def one_round(workload: Workload, sizes: Sizes, patience_s: float) -> Mapping[str, Sample]:
    """Once, with F around it."""
    with tempfile.TemporaryDirectory(dir=BUILD, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        before = patient_ms(folder, patience_s)
        values = workload.measure(folder, sizes)
        f_ms = max(before, fdatasync_ms(folder))
    return {key: Sample(value, f_ms) for key, value in values.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
