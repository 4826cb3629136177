"""A side from outside: its process, asked and answered line by line, and killed with all that it started."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.machine import environment
from benchmarks.sides.protocol import LIVES

_READY_S = 60.0


class SideProcess:
    """Entering it starts the engine and waits until it answers; leaving it ends it, and what it started."""

    def __init__(self, python: str, module: str, folder: Path, *, life: str = "") -> None:
        self._folder = folder
        self._command = [python, "-m", module, str(folder)]
        self._life = life
        self.about: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._errors = (self._folder / "stderr.txt").open("ab")
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment(**{LIVES: self._life}),
            start_new_session=True,
        )
        try:
            self.about = self._answer()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /) -> None:
        self.kill()

    def ask(self, do: str, **arguments: object) -> Any:
        """What the side answers. Raises RuntimeError with what it printed when it dies over it."""
        self.tell(do, **arguments)
        return self._answer()

    def tell(self, do: str, **arguments: object) -> None:
        """Ask, and do not wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self._process.stdin.flush()

    def kill(self) -> None:
        """SIGKILL for the process and its children: its whole session."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            said = (self._folder / "stderr.txt").read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"{' '.join(self._command)} has ended: {said[-2000:]}")
        return json.loads(line)


def recovery_s(python: str, module: str, folder: Path) -> float:
    """W6: kill -9 in the sixth of ten steps; from the start of the next process to the end of the run."""
    ledger = folder / "ledger.txt"
    folder.mkdir(parents=True, exist_ok=True)
    with SideProcess(python, module, folder, life="first") as side:
        side.tell("begin", ledger=str(ledger))
        deadline = time.monotonic() + _READY_S
        while begun(ledger) != list(range(6)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the sixth step has not begun: {begun(ledger)}")
            time.sleep(0.005)
    restarted = time.perf_counter()
    with SideProcess(python, module, folder, life="second") as side:
        side.ask("finish")
        taken = time.perf_counter() - restarted
    if begun(ledger) != [0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9]:
        raise AssertionError(f"{module}: after the kill the steps were {begun(ledger)}")
    return taken


def begun(ledger: Path) -> list[int]:
    """The steps that have begun, in order."""
    return [int(line) for line in ledger.read_text(encoding="utf-8").splitlines()] if ledger.exists() else []
