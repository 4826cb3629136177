"""How fast the simulator plays: whole runs with their faults, on one core."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.machine import ROOT, environment, python
from benchmarks.sizes import Sizes


class _Report(msgspec.Struct, frozen=True):
    """What is wanted of the simulator's own report."""

    runs_a_minute_on_one_core: float


def simulated(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """Runs by the processor time of a process that does nothing else; a seed that breaks a law is an error here."""
    report = folder / "sim.json"
    command = [python(), "-m", "tests.sim", "--seeds", str(sizes.seeds), "--jobs", "1", "--report", str(report)]
    subprocess.run(command, check=True, cwd=ROOT, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return {"sim": msgspec.json.decode(report.read_bytes(), type=_Report).runs_a_minute_on_one_core}
