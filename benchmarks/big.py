"""One run that is as large as promised, in a worker process of its own: its time, its peak memory, its slices.

`python -m benchmarks.big FOLDER FUNCTION STEPS SLICE_S` is that process; it prints one line of JSON.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import functions
from benchmarks.cloud import SEQUENCES, checked
from benchmarks.functions import Asked, AskedAsync, app
from benchmarks.machine import environment, python
from benchmarks.sizes import Sizes
from milepost.functions import Function
from milepost.local import LocalCloud
from milepost.local.cloud import FileClient

_SHORT_S = 10
"""The shortest slice that a local cloud allows: 30,000 steps then need several."""
_LONG_S = 900


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has cost its process."""

    seconds: float
    cpu_s: float
    rss_mb: float
    slices: int


def long(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """30,000 steps in sequence, over several slices."""
    found: dict[str, float] = {}
    for way in sizes.ways:
        spent = in_a_process(folder / way, SEQUENCES[way].name, sizes.long, slice_s=_SHORT_S)
        found |= {f"long.s.{way}": spent.seconds, f"long.rss.{way}": spent.rss_mb, f"long.slices.{way}": spent.slices}
    return found


def wide(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """10,000 steps gathered."""
    if "async" not in sizes.ways:
        return {}
    spent = in_a_process(folder, "gathered", sizes.wide)
    return {"wide.s": spent.seconds, "wide.rss": spent.rss_mb}


def children(folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """10,000 children invoked."""
    if "def" not in sizes.ways:
        return {}
    spent = in_a_process(folder, "children", sizes.wide)
    return {"children.s": spent.seconds, "children.slices": spent.slices, "children.rss": spent.rss_mb}


def in_a_process(folder: Path, function: str, steps: int, *, slice_s: int = _LONG_S) -> Spent:
    """Run it there, and wait."""
    folder.mkdir(exist_ok=True)
    command = [python(), "-m", "benchmarks.big", str(folder), function, str(steps), str(slice_s)]
    done = subprocess.run(command, check=True, capture_output=True, env=environment())
    return msgspec.json.decode(done.stdout, type=Spent)


def spend(folder: Path, name: str, steps: int, slice_s: int) -> Spent:
    """Run it here."""
    path = folder / "state.db"
    function: Function[Any, Any] = getattr(functions, name.replace("-", "_"))
    with LocalCloud(app, path, slice_time=timedelta(seconds=slice_s)) as cloud, FileClient(app, path) as client:
        begun = time.perf_counter()
        run = cloud.invoke(function, AskedAsync(steps=steps) if name == "sequence_async" else Asked(steps=steps))
        cloud.wait(run, timeout=timedelta(minutes=30))
        seconds = time.perf_counter() - begun
        slices = client.client.reader.header(checked(run).id).epoch
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Spent(seconds=seconds, cpu_s=usage.ru_utime + usage.ru_stime, rss_mb=peak_rss_mb(), slices=slices)


def peak_rss_mb() -> float:
    """Of this process alone: ru_maxrss would count what its parent had before exec."""
    [line] = [line for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(msgspec.json.encode(spend(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))).decode())
