"""Puts each peer into an environment of its own under build/peers, from PyPI and npm as they are set up on this machine.

Never into this repository's environment or locks. What cannot be installed is said, and the others are measured.
"""

import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.machine import ROOT, python

PEERS: Final = ROOT / "build" / "peers"
WANTED: Final = Path(__file__).parent

_INSTALL_S: Final = 600


class NotInstalled(Exception):
    """A peer that cannot be had here, with the reason."""


def environment_of(peer: str) -> str:
    """The interpreter of the peer's environment, which is made when absent or out of date. Raises NotInstalled."""
    wanted = WANTED / f"{peer}.txt"
    folder = PEERS / peer
    interpreter = folder / "bin" / "python"
    if not _is_current(folder, wanted):
        print(f"installing {peer} from {wanted.relative_to(ROOT)}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        _run(
            [str(interpreter), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--requirement", str(wanted)]
        )
        _note(folder, wanted)
    return str(interpreter)


def restate_server() -> str:
    """The program of the Restate server, from npm. Raises NotInstalled."""
    wanted = WANTED / "package.json"
    folder = PEERS / "restate-server"
    if not _is_current(folder, wanted):
        print(f"installing the Restate server from {wanted.relative_to(ROOT)}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(wanted, folder)
        _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", str(folder)])
        _note(folder, wanted)
    programs = sorted(folder.glob("node_modules/@restatedev/restate-server-*/bin/restate-server"))
    if not programs:
        raise NotInstalled("npm has no Restate server for this platform")
    return str(programs[0])


def _is_current(folder: Path, wanted: Path) -> bool:
    stamp = folder / ".installed"
    return stamp.exists() and stamp.read_text(encoding="utf-8") == _stamp(wanted)


def _note(folder: Path, wanted: Path) -> None:
    (folder / ".installed").write_text(_stamp(wanted), encoding="utf-8")


def _stamp(wanted: Path) -> str:
    return f"{python()} {wanted.read_text(encoding='utf-8')}"


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=_INSTALL_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if "ERR" in line.upper()] or done.stderr.splitlines()
        raise NotInstalled(said[-1] if said else f"{command[0]} ended with {done.returncode}")
