"""The worker as a child process: started, killed with SIGKILL, started again. Its output goes to a file."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from examples.github.worker import READY

ROOT: Final = Path(__file__).parents[2]
_PATIENCE_S: Final = 30.0


class WorkerProcess:
    """One worker on one state file. ``directory`` holds the file, the ledger and what the worker printed; ``services`` is the URL
    of what it asks over HTTP.
    """

    def __init__(self, directory: Path, *, pace: str, services: str) -> None:
        self.state_file = directory / "state.db"
        self.ledger = directory / "ledger.jsonl"
        self._output = directory / "worker.log"
        self._environment: Mapping[str, str] = {
            **os.environ,
            "GITHUB_EXAMPLE_PACE": pace,
            "GITHUB_EXAMPLE_LEDGER": str(self.ledger),
            "GITHUB_EXAMPLE_SERVICES": services,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "sdk")]),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Of the worker that lives; None when none does."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start it, and return at once."""
        command = [sys.executable, "-m", "examples.github.worker", str(self.state_file)]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command, cwd=ROOT, env=self._environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def wait_until_ready(self) -> None:
        """Return when it works. Raises RuntimeError with what it printed when it ended instead, or takes too long."""
        deadline = time.monotonic() + _PATIENCE_S
        while READY not in self.output().splitlines():
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the worker did not start:\n{self.output()}")
            time.sleep(0.01)

    def has_died(self) -> bool:
        """Whether it ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def output(self) -> str:
        """What it printed since it was started."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed, no transaction is finished."""
        self._end(graceful=False)

    def stop(self) -> None:
        """SIGTERM: slices in flight end, then it goes."""
        self._end(graceful=True)

    def _end(self, *, graceful: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if graceful:
            process.terminate()
        else:
            process.kill()
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
