"""`python -m benchmarks`: one table, each figure the median of several rounds in one run, beside F (see disk.py)."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.disk import fdatasync_ms
from benchmarks.workloads import Asked, app, branches, fan, sequence
from milepost import Function, Run
from milepost.local import LocalCloud
from milepost.testing import Sandbox

MINUTE = timedelta(minutes=1)


def timed(call: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


def one_run(cloud: LocalCloud, function: Function[Any, Any], steps: int) -> None:
    cloud.wait(cloud.invoke(function, Asked(steps=steps)), timeout=MINUTE)


def median_ms(cloud: LocalCloud, function: Function[Any, Any], steps: int, rounds: int = 15) -> float:
    one_run(cloud, function, steps)
    return statistics.median(timed(lambda: one_run(cloud, function, steps)) for _ in range(rounds))


def many_runs_ms(cloud: LocalCloud, runs: int, steps: int) -> float:
    def go() -> None:
        begun: list[Run[Any]] = cloud.send(*(Asked(steps=steps) for _ in range(runs)))
        cloud.wait(*begun, timeout=MINUTE)

    return timed(go)


def replay_us(steps: int) -> float:
    """Replaying recorded steps: the slice after a sleep at the end of them, without the slice's own cost."""
    with Sandbox(app) as box:
        before = box.invoke(sequence, Asked(steps=steps))
        assert before.status == "completed"
        taken = timed(lambda: box.rerun(before, from_step=f"step:{steps}" if steps > 1 else "step"))
    return taken * 1000 / steps


def import_ms(statement: str) -> float:
    def once(code: str) -> float:
        return min(timed(lambda: subprocess.run([sys.executable, "-c", code], check=True)) for _ in range(5))

    return once(statement) - once("pass")


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        floor = fdatasync_ms(Path(folder))
        rows: list[tuple[str, str]] = [("F: fdatasync, median", f"{floor:.2f} ms")]
        with LocalCloud(app, Path(folder) / "state.db") as cloud:
            ten, hundred = median_ms(cloud, sequence, 10), median_ms(cloud, sequence, 100)
            rows += [
                ("W1: ten steps in sequence, per step", f"{ten / 10:.2f} ms"),
                ("W2: marginal cost of a step", f"{(hundred - ten) / 90:.2f} ms"),
                ("W3: a hundred steps by step.map, whole run", f"{median_ms(cloud, fan, 100):.1f} ms"),
                ("W3: a hundred branches by step.parallel, whole run", f"{median_ms(cloud, branches, 100):.1f} ms"),
                ("W4: 500 runs of five steps at once", f"{500 * 5 / many_runs_ms(cloud, 500, 5) * 1000:,.0f} steps/s"),
            ]
    rows += [
        ("Copy and replay of 1,000 recorded steps, in memory, per step", f"{replay_us(1_000):.0f} µs"),
        ("import milepost", f"{import_ms('import milepost'):.0f} ms"),
        ("import boto3, for comparison", f"{import_ms('import boto3'):.0f} ms"),
    ]
    table = Table("figure", "", title=f"Python {sys.version.split()[0]}, one run, every commit forced to disk")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
