"""Run the contract suite of the ports on ministack.

    python -m tests.ministack [PYTEST ARGUMENTS...]

Where ministack cannot be installed, it says so and tests nothing.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.ministack.server import LOCK, NotInstalled, ministack

ROOT: Final = Path(__file__).parents[2]
LIMIT_S: Final = 900


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite on it alone, and say by the exit status whether the contract is kept."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with TemporaryDirectory() as directory, ministack(Path(directory)) as endpoint:
            version = next(line for line in LOCK.read_text().splitlines() if line.startswith("ministack==")).split()[0]
            sys.stdout.write(f"contract-ministack: judged by {version}\n")
            sys.stdout.flush()
            asked = [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "tests.contract.endpoint",
                "-p",
                "tests.ministack.differences",
                *given,
                str(ROOT / "tests" / "contract"),
            ]
            inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
            environment = {**inherited, "CONTRACT_ENDPOINT": endpoint}
            return subprocess.run(asked, cwd=ROOT, env=environment, timeout=LIMIT_S, check=False).returncode
    except NotInstalled as why:
        sys.stdout.write(f"contract-ministack: SKIPPED: {why}\n")
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
