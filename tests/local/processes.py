"""Other processes, for tests of what processes do to one state file."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

SDK: Final = Path(__file__).parents[2] / "sdk"

PRELUDE: Final = """
import os, sys
from pathlib import Path
from milepost.engine.ports import *
from milepost.errors import StateFileError
from milepost.wall_clock import SystemClock
from milepost.local.mailbox import Mailbox
from milepost.local.queue import LocalQueue
from milepost.local.store import Store
from milepost.local.table import LocalTable
path = Path(sys.argv[1])
"""


@contextmanager
def python(script: str, path: Path) -> Generator["subprocess.Popen[str]", None, None]:
    """A process that runs the script on the state file; killed at the end if it still runs."""
    command = [sys.executable, "-W", "error", "-c", PRELUDE + script, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(SDK), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(script: str, path: Path) -> str:
    """What the script printed. It must end well."""
    with python(script, path) as process:
        out, err = process.communicate()
        assert process.returncode == 0, err
        return out.strip()


def next_line(process: "subprocess.Popen[str]") -> str:
    """The next thing it prints; fails with its error when it ends instead."""
    assert process.stdout is not None
    assert process.stderr is not None
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return line.strip()


def kill_9(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
