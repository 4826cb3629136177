"""Milepost: `LocalCloud` with its defaults, a state file on the disk, every step forced to it."""

import sys
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import functions
from benchmarks.cloud import PATIENCE, checked, many_runs_ms, one_run
from benchmarks.functions import Asked, AskedAsync, Interrupt, app
from benchmarks.sides.protocol import serve, timed_ms
from milepost import Run
from milepost.functions import Function
from milepost.local import LocalCloud

_FAN_OUT: dict[str, Function[Any, Any]] = {"def": functions.mapped, "threads": functions.branches, "async": functions.gathered}


class Milepost:
    """`Side` of protocol.py."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud

    def about(self) -> dict[str, str]:
        return {
            "name": "Milepost",
            "version": version("milepost"),
            "settings": "LocalCloud's defaults: SQLite in WAL mode, synchronous=FULL",
        }

    def sequence(self, how: str, steps: int, times: int) -> list[float]:
        if how == "async":
            return self._timed(functions.sequence_async, AskedAsync(steps=steps), times)
        return self._timed(functions.sequence, Asked(steps=steps), times)

    def fan_out(self, how: str, branches: int, times: int) -> list[float]:
        return self._timed(_FAN_OUT[how], Asked(steps=branches), times)

    def _timed(self, function: Function[Any, Any], data: object, times: int) -> list[float]:
        runs: list[Run[Any]] = []
        taken = [timed_ms(lambda: runs.append(one_run(self._cloud, function, data))) for _ in range(times)]
        for run in runs:
            checked(run)
        return taken

    def crowd(self, how: str, runs: int, steps: int) -> float:
        return many_runs_ms(self._cloud, [(AskedAsync if how == "async" else Asked)(steps=steps)] * runs)

    def begin(self, ledger: str) -> None:
        self._cloud.invoke(functions.interrupted, Interrupt(ledger=ledger), id="crash")

    def finish(self) -> None:
        [run] = self._cloud.runs(functions.interrupted)
        self._cloud.wait(run, timeout=PATIENCE)
        checked(run)


if __name__ == "__main__":
    with LocalCloud(app, Path(sys.argv[1]) / "state.db") as opened:
        serve(Milepost(opened))
        opened.stop(within=timedelta(seconds=1))
