"""Every call to an API, one line each, on disk before the call goes on: what the world saw of the functions.

A durable run keeps its own history; this is the other side's, and the two must agree. Lines are appended and synced, never
changed, so that a worker that is killed leaves every line it had begun.
"""

import os
import time
from pathlib import Path
from typing import Final

import msgspec

DEFAULT: Final = ".milepost/ledger.jsonl"
PROBE: Final = "probe"
"""A look that changes nothing: polled, so not counted as a call."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One call."""

    key: str
    """The caller's idempotency key: run id and step, ``<run>/<step>``."""
    call: str
    """What was asked for."""
    at_ms: int
    """When, in epoch milliseconds."""
    pid: int
    """The worker's process."""
    is_refused: bool = False
    """The other side was down, or said no."""

    @property
    def is_call(self) -> bool:
        """Something was done: it was not refused, and no mere look."""
        return not self.is_refused and self.call != PROBE


_DECODER = msgspec.json.Decoder(Line)


def path() -> Path:
    """Where the ledger is: ``GITHUB_EXAMPLE_LEDGER``, or .milepost/ledger.jsonl."""
    return Path(os.environ.get("GITHUB_EXAMPLE_LEDGER", DEFAULT))


def append(key: str, call: str, *, is_refused: bool = False) -> None:
    """Add a line, and return when it is on disk."""
    line = Line(key=key, call=call, at_ms=time.time_ns() // 1_000_000, pid=os.getpid(), is_refused=is_refused)
    path().parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(path(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(fd, msgspec.json.encode(line) + b"\n")  # one write: lines of several threads do not mix
        os.fsync(fd)
    finally:
        os.close(fd)


def lines() -> list[Line]:
    """All lines, oldest first."""
    return [_DECODER.decode(raw) for raw in path().read_bytes().splitlines()] if path().exists() else []


def count(key: str) -> int:
    """How often this call was made."""
    return sum(line.key == key for line in lines())
