"""`python -m tests.large STATE_FILE FUNCTION NUMBER SLICE_MS`: one run of that size; one line of JSON says what it took."""

import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from milepost import Function, RunStatus
from milepost.engine.worker import Moved
from milepost.local import LocalCloud
from milepost.local.assembly import LOCAL
from tests.large import bodies
from tests.large.bodies import Asked, app, executed
from tests.large.took import Took

MARGIN_MS = 1_000


def main(state_file: str, name: str, number: int, slice_ms: int) -> Took:
    """Run it."""
    function: Function[Asked, int] = getattr(bodies, name)
    slices: Counter[str] = Counter()

    def observe(moved: Moved) -> None:
        if moved.status is RunStatus.RUNNING and moved.function == name:
            slices[moved.run] += 1

    settings = msgspec.structs.replace(LOCAL, margin_ms=MARGIN_MS)
    with LocalCloud(app, state_file, settings=settings, slice_time=timedelta(milliseconds=slice_ms), observe=observe) as cloud:
        run = cloud.invoke(function, Asked(number=number))
        cloud.wait(run, timeout=timedelta(minutes=9))
        result: Any = run.result
        return Took(result=result, slices=slices[run.id], executed=next(executed), peak_rss_mb=peak_rss_mb())


def peak_rss_mb() -> float:
    """Of this process alone: `resource.getrusage` also counts what its parent held when it started it."""
    [line] = [line for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    print(msgspec.json.encode(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))).decode())  # noqa: T201 - who started it reads this
