"""F: what one fdatasync costs on this disk, now. Every figure of a durable engine stands on it."""

import os
import statistics
import time
from pathlib import Path
from typing import Final

FAST_MS: Final = 0.3
"""What stands on a slower disk is not judged."""


def fdatasync_ms(folder: Path, times: int = 60) -> float:
    """The median time of appending 4 KB and forcing it to disk, in milliseconds."""
    path = folder / "fdatasync"
    taken: list[float] = []
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    try:
        for _ in range(times):
            os.write(descriptor, b"x" * 4096)
            begun = time.perf_counter()
            os.fdatasync(descriptor)
            taken.append(time.perf_counter() - begun)
    finally:
        os.close(descriptor)
        path.unlink()
    return statistics.median(taken) * 1000


def patient_ms(folder: Path, patience_s: float) -> float:
    """F, once the disk is fast; as it is, when it has not become so in that time."""
    deadline = time.monotonic() + patience_s
    while (f_ms := fdatasync_ms(folder)) > FAST_MS and time.monotonic() < deadline:
        time.sleep(0.5)
    return f_ms
