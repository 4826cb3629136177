"""What a large run took, and how to have one run."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).parents[2]
ONE_SLICE_MS: Final = 900_000


class Took(msgspec.Struct, frozen=True, kw_only=True):
    """A run's result, and what it cost its process."""

    result: int
    slices: int
    """Of this run; its children have their own."""
    executed: int
    """How often a step's function, or a child, was run."""
    peak_rss_mb: float


def took(folder: Path, function: str, number: int, *, slice_ms: int = ONE_SLICE_MS) -> Took:
    """Run it in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.large", str(folder / "state.db"), function, str(number), str(slice_ms)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    return msgspec.json.decode(done.stdout, type=Took)
