"""What a table says of where it was made: enough to compare, nothing that names the machine."""

import os
import platform
import sqlite3
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[1]
BUILD: Final = ROOT / "build" / "bench"
"""On the disk of the repository: a folder in memory would make every fsync free."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Where and with what."""

    cores: int
    python: str
    sqlite: str
    system: str
    milepost: str
    measured_at: str

    def text(self) -> str:
        """One line."""
        return (
            f"{self.measured_at}, {self.cores} cores, {self.system}, Python {self.python}, SQLite {self.sqlite}, milepost {self.milepost}"
        )


def machine() -> Machine:
    """This one, now."""
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        sqlite=sqlite3.sqlite_version,
        system=f"{platform.system()} {platform.machine()}",
        milepost=version("milepost"),
        measured_at=datetime.now(UTC).date().isoformat(),
    )


def environment(**more: str) -> dict[str, str]:
    """For processes that import this repository's own packages."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "sdk", ROOT / "handlers"))), **more}


def python() -> str:
    """The interpreter that this process runs on."""
    return sys.executable
