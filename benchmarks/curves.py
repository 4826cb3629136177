"""`python -m benchmarks.curves [CURVE ...]`: what a step costs against steps, branches, and runs in the file.

Each curve should be roughly straight, and none may rise with what is already in the file.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from benchmarks import functions
from benchmarks.bare import cpu_us, timed_ms
from benchmarks.charts import Curve, Point, svg
from benchmarks.cloud import ASKED, SEQUENCES, checked, many_runs_ms, one_run
from benchmarks.disk import fdatasync_ms
from benchmarks.fill import fill
from benchmarks.functions import Asked, app
from benchmarks.machine import BUILD, ROOT, machine
from benchmarks.pages import keep, markdown, show, write_part
from benchmarks.sizes import WAYS
from milepost import Run
from milepost.engine.reading import RunsQuery
from milepost.functions import Function
from milepost.local import LocalCloud
from milepost.local.cloud import FileClient

TARGET: Final = "make bench-curves"
PAGE: Final = ROOT / "docs" / "design" / "performance.md"
STEPS: Final = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)
BRANCHES: Final = (1, 10, 100, 1_000, 10_000)
RUNS: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)

WORTH: Final = 2_000
"""Steps that a point is made of at least: short runs are repeated."""

Values = dict[str, float]


def steps(folder: Path, size: int, worth: int) -> Values:
    """One run of so many steps in sequence."""
    found: Values = {}
    for way in WAYS:
        with LocalCloud(app, folder / f"{way}.db") as cloud:
            one_run(cloud, SEQUENCES[way], ASKED[way](10))
            found |= _per_step(way, cloud, SEQUENCES[way], ASKED[way](size), size, worth)
    return found


def branches(folder: Path, size: int, worth: int) -> Values:
    """One run of so many parallel steps."""
    kinds: tuple[tuple[str, Function[Any, Any]], ...] = (
        ("step.map", functions.mapped),
        ("step.parallel", functions.branches),
        ("asyncio.gather", functions.gathered),
    )
    found: Values = {}
    with LocalCloud(app, folder / "state.db") as cloud:
        for name, function in kinds:
            one_run(cloud, function, Asked(steps=10))
            found |= _per_step(name, cloud, function, Asked(steps=size), size, worth)
    return found


def runs(folder: Path, size: int, worth: int) -> Values:
    """A file with so many runs: what new ones cost in it."""
    path = folder / "state.db"
    fill(path, 0, size)
    found: Values = {}
    with LocalCloud(app, path) as cloud:
        for way in WAYS:
            for _ in range(5):
                one_run(cloud, SEQUENCES[way], ASKED[way](10))
            found |= _per_step(f"{way}, ten steps", cloud, SEQUENCES[way], ASKED[way](10), 10, worth)
            many = max(1, worth // 10)
            crowd: list[float] = []
            spent = cpu_us(partial(_crowds, cloud, [ASKED[way](5)] * many, crowd)) / (3 * 5 * many)
            found |= {f"{way}, many runs of five": spent, f"{way}, many runs of five, time": statistics.median(crowd) * 1000 / (5 * many)}
    return found


def _crowds(cloud: LocalCloud, events: Sequence[object], taken: list[float]) -> None:
    """Three times."""
    taken += [many_runs_ms(cloud, events) for _ in range(3)]


def file(folder: Path, size: int, _worth: int) -> Values:
    """A file with so many runs: what starting a worker and looking at it cost."""
    path = folder / "state.db"
    fill(path, 0, size)
    opened = statistics.median(timed_ms(partial(_open, path)) for _ in range(5))
    with FileClient(app, path) as client:
        newest = partial(client.client.runs, RunsQuery(function="sequence", limit=50))
        listed = statistics.median(timed_ms(newest) for _ in range(5))
    return {"start and stop a worker": opened, "list the newest 50": listed}


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """What is varied, and what is then measured."""

    measure: Callable[[Path, int, int], Values]
    """On this folder, this size, of so many steps at least."""
    title: str
    across: str
    sizes: Sequence[int]
    up: str = "µs"


CURVES: Final[Mapping[str, Axis]] = {
    "steps": Axis(measure=steps, title="Processor time of a step, against the steps of its run", across="steps of the run", sizes=STEPS),
    "branches": Axis(
        measure=branches, title="Processor time of a parallel step, against their number", across="parallel steps", sizes=BRANCHES
    ),
    "runs": Axis(measure=runs, title="Processor time of a step, against the runs in the file", across="runs in the file", sizes=RUNS),
    "file": Axis(measure=file, title="Starting and looking, against the runs in the file", across="runs in the file", sizes=RUNS, up="ms"),
}


def draw(name: str, most: int) -> Curve:
    """Measure one curve, each point on a file of its own, with F before and after."""
    axis = CURVES[name]
    points: list[Point] = []
    for size in (size for size in axis.sizes if size <= most):
        print(f"{name}: {size:,}", file=sys.stderr)
        with tempfile.TemporaryDirectory(dir=BUILD, ignore_cleanup_errors=True) as folder:
            before = fdatasync_ms(Path(folder))
            values = axis.measure(Path(folder), size, WORTH)
            points.append(Point(x=size, f_ms=max(before, fdatasync_ms(Path(folder))), values=values))
    return Curve(name=name, title=axis.title, across=axis.across, up=axis.up, points=points)


def _per_step(what: str, cloud: LocalCloud, function: Function[Any, Any], data: object, size: int, worth: int) -> Values:
    """Processor time and wall time by step, in microseconds, of as many runs as make it worth while."""
    ended: list[Run[Any]] = []
    taken: list[float] = []
    times = max(1, min(worth // size, 200))
    spent = cpu_us(lambda: taken.extend(timed_ms(lambda: ended.append(one_run(cloud, function, data))) for _ in range(times)))
    for run in ended:
        checked(run)
    return {what: spent / times / size, f"{what}, time": statistics.median(taken) * 1000 / size}


def _open(path: Path) -> None:
    with LocalCloud(app, path):
        pass


def main(arguments: Sequence[str]) -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curves", description="Cost against steps, branches and runs in the file.")
    parser.add_argument("curves", nargs="*", choices=[[], *CURVES], help="all, when none is named")
    parser.add_argument("--most", type=int, default=1_000_000, help="no point above this")
    parser.add_argument("--write", action="store_true", help="keep them in build/bench and docs/design/performance.md")
    asked = parser.parse_args(arguments)
    if asked.write and (asked.curves or asked.most < RUNS[-1]):
        parser.error("--write is for all curves, whole")
    BUILD.mkdir(parents=True, exist_ok=True)
    found = [draw(name, asked.most) for name in asked.curves or CURVES]
    for curve in found:
        show(curve.title, *curve.table())
    if asked.write:
        _write(found)


def _write(found: Sequence[Curve]) -> None:
    where = machine()
    keep("curves", {"command": TARGET, "machine": where, "curves": found})
    parts = [f"`{TARGET}`: {where.text()}. Each point on a file of its own; F is the greater of those before and after it."]
    for curve in found:
        (PAGE.parent / f"curve-{curve.name}.svg").write_text(svg(curve), encoding="utf-8")
        parts += [f"![{curve.title}](curve-{curve.name}.svg)", f"{curve.title}:", markdown(*curve.table())]
    write_part(PAGE, TARGET, "\n\n".join(parts))


if __name__ == "__main__":
    main(sys.argv[1:])
