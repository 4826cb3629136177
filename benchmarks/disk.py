"""F: what one fdatasync costs on this disk, now. Every figure of a durable engine stands on it."""

import os
import statistics
import time
from pathlib import Path


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
