"""What each engine is asked for, in the same words: one line of JSON in, one out, timed in the engine's own process.

Runs in the peers' environment: standard library only.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol


class Side(Protocol):
    """One engine, started. ``how`` is one of the ways that `ways` names for the workload: "def", "async"."""

    def about(self) -> dict[str, str]:
        """Its name, version and settings."""
        ...

    def sequence(self, how: str, steps: int, times: int) -> list[float]:
        """Milliseconds of each of so many runs, one after the other, of so many steps in sequence."""
        ...

    def fan_out(self, how: str, branches: int, times: int) -> list[float]:
        """The same for parallel steps and a join."""
        ...

    def crowd(self, how: str, runs: int, steps: int) -> float:
        """Milliseconds from the start of so many runs at once to the end of the last."""
        ...

    def begin(self, ledger: str) -> None:
        """Start the run "crash" of ten steps, whose sixth hangs for ever, and return. Each step notes that it begins."""
        ...

    def finish(self) -> None:
        """In the process after that one: return when the run "crash" has ended. No step hangs here."""
        ...


def serve(side: Side) -> None:
    """Answer until standard input ends. What the engine itself prints goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps(side.about()), file=answers, flush=True)
    for line in sys.stdin:
        asked: dict[str, Any] = json.loads(line)
        answer = getattr(side, asked.pop("do"))(**asked)
        print(json.dumps(answer), file=answers, flush=True)


def timed_ms(call: Callable[[], object]) -> float:
    """Wall time."""
    begun = time.perf_counter()
    call()
    return (time.perf_counter() - begun) * 1000


HANG_AT = 5
"""The sixth step: five are recorded when it begins."""

LIVES = "BENCH_LIFE"
"""In the environment of a process: "first" when its sixth step is to hang."""


def note(ledger: str, number: int) -> int:
    """A step of the run "crash": writes down that it has begun; in the first life the sixth never ends."""
    with Path(ledger).open("a", encoding="utf-8") as file:
        file.write(f"{number}\n")
    while number == HANG_AT and os.environ.get(LIVES) == "first":
        time.sleep(60)
    return number
