"""Run the table's contract on Amazon's own DynamoDB Local, by both ways to DynamoDB: boto3's, and our own.

    python -m tests.dynamodb_local [PYTEST ARGUMENTS...]

Where there is no Java, no Maven, or no way to the jars, it says so and tests nothing.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.dynamodb_local.server import dynamodb_local, version
from tests.jars import NotHere

ROOT: Final = Path(__file__).parents[2]
LIMIT_S: Final = 900


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite on it alone, and say by the exit status whether the contract is kept."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with dynamodb_local() as endpoint:
            sys.stdout.write(f"contract-dynamodb-local: judged by {version()}\n")
            sys.stdout.flush()
            files = sorted(str(path) for path in (ROOT / "tests" / "contract").glob("test_table*.py"))
            asked = [sys.executable, "-m", "pytest", "-q", "-p", "tests.dynamodb_local.beds", *given, *files]
            environment = {**os.environ, "CONTRACT_ENDPOINT": endpoint}
            return subprocess.run(asked, cwd=ROOT, env=environment, timeout=LIMIT_S, check=False).returncode
    except NotHere as why:
        sys.stdout.write(f"contract-dynamodb-local: SKIPPED: {why}\n")
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
