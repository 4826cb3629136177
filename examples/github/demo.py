"""``python -m examples.github.demo [DIRECTORY]``: 329 real webhooks, a kill -9 in the middle, a count of what was done twice.

The demo is the client: it sends webhooks into the state file and reads it. It is the world, too: what async functions ask over
HTTP are threads of it, which go on when the worker is killed amid a request. All work is done by a worker process, which is
killed while it works and started again. Exits with 0 when every run ended right, with 1 when anything is wrong.
"""

import os
import random
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from examples.github import ledger, report
from examples.github.app import app
from examples.github.audit import Audit, Crash, audit, crash_of, recorded_calls, starts
from examples.github.payloads import Delivery, deliveries, event_of
from examples.github.process import ROOT, WorkerProcess
from examples.github.services import Services
from examples.github.state import History, State

DIRECTORY: Final = ROOT / ".milepost" / "demo"
ANSWERS: Final = ("github/issues.labeled", "github/pull_request.closed", "github/pull_request_review.submitted")
"""What runs wait for: sent last, when they wait, and no worker lives."""
KILL_AFTER_CALLS: Final = 45
"""Less than half of what there is to do."""
ASYNC: Final = frozenset(name for name, function in app.definitions.functions.items() if function.is_async)
"""Of these one is to be amid a request when the worker is killed."""
PATIENCE_S: Final = 50.0
SERVICE_LATENCY: Final = timedelta(seconds=0.4)


class Demo:
    """One demonstration, from an empty state file to the verdict."""

    def __init__(self, console: Console, directory: Path) -> None:
        self._console = console
        self._directory = directory
        self._deliveries = in_some_order(deliveries())
        self._services = Services(latency=SERVICE_LATENCY)
        self._worker = WorkerProcess(directory, pace="seconds", services=self._services.url)
        columns = (TextColumn("  {task.description:<9}"), BarColumn(40), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._sent = self._progress.add_task("webhooks", total=len(self._deliveries))
        self._ended = self._progress.add_task("runs", total=sum(starts(delivery) is not None for delivery in self._deliveries))

    def run(self) -> bool:
        """Show it; True when all is right."""
        began = time.monotonic()
        self._prepare()
        self._console.print(f"\n[bold]{len(self._deliveries)} GitHub webhooks, twelve durable functions, one kill -9[/]\n")
        try:
            with self._services, self._progress:
                found, history = self._play()
        finally:
            self._worker.stop()
        report.show(self._console, found, history, len(self._deliveries), os.path.relpath(self._worker.state_file))
        self._say(f"took {time.monotonic() - began:.0f} s")
        return not found.problems

    def _prepare(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        for left in (*self._directory.glob("state.db*"), self._worker.ledger):  # of the last time, and nothing else
            left.unlink(missing_ok=True)
        os.environ["GITHUB_EXAMPLE_LEDGER"] = str(self._worker.ledger)

    def _play(self) -> tuple[Audit, Sequence[History]]:
        self._worker.start()
        self._worker.wait_until_ready()
        self._say(f"worker {self._worker.pid} started")
        with State(self._worker.state_file) as state:
            left = self._send_until_busy(state)
            crash = self._kill(state)
            self._send_all(state, left)
            self._say(f"sent {len(left)} more webhooks while no worker lived, among them what the open runs wait for")
            self._worker.start()
            self._worker.wait_until_ready()
            self._say(f"worker {self._worker.pid} started on the same file")
            return self._wait(state, crash)

    def _send_until_busy(self, state: State) -> Sequence[Delivery]:
        """Send until the worker has done a good part, and is in the middle of more; returns what is not sent yet."""
        left = list(self._deliveries)
        while left[0].name not in ANSWERS and not self._is_time_to_kill(state):
            self._send(state, left.pop(0))
            time.sleep(0.008)
        self._say(f"worker busy after {len(self._deliveries) - len(left)} webhooks")
        while not self._is_time_to_kill(state):
            time.sleep(0.02)
        return left

    def _is_time_to_kill(self, state: State) -> bool:
        if self._worker.has_died():
            raise RuntimeError(f"the worker died by itself:\n{self._worker.output()}")
        if len(ledger.lines()) < KILL_AFTER_CALLS:
            return False
        history = state.history()
        in_flight = _in_flight(history)
        asynchronous = {one.run.id for one in history if one.run.function in ASYNC}
        return len(in_flight) >= 2 and any(key.partition("/")[0] in asynchronous for key in in_flight)

    def _kill(self, state: State) -> Crash:
        pid = self._worker.pid
        self._worker.kill()
        self._services.settle()
        history = state.history()
        crash = crash_of(history, ledger.lines())
        opened = sum(not one.run.status.is_terminal for one in history)
        now = f"{_steps(history)} steps are recorded, {len(_in_flight(history))} were under way, {opened} runs are open"
        self._say(f"[bold red]kill -9 {pid}[/]: {now}")
        return crash

    def _send_all(self, state: State, left: Sequence[Delivery]) -> None:
        for delivery in left:
            self._send(state, delivery)

    def _send(self, state: State, delivery: Delivery) -> None:
        state.send(delivery.id, event_of(delivery))
        self._progress.advance(self._sent)

    def _wait(self, state: State, crash: Crash) -> tuple[Audit, Sequence[History]]:
        """Until all is right, or time is up: then the audit says what is wrong."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            history = state.history()
            found = audit(sent=self._deliveries, accepted=state.accepted(), history=history, lines=ledger.lines(), crashes=[crash])
            ended = sum(one.run.status.is_terminal for one in history)
            self._progress.update(self._ended, completed=ended, total=max(len(history), self._progress.tasks[1].total or 0))
            if not found.problems:
                self._say(f"all {len(history)} runs have ended")
                return found, history
            if time.monotonic() > deadline or self._worker.has_died():
                return found, history
            time.sleep(0.2)

    def _say(self, text: str) -> None:
        self._console.print(f"  {text}", highlight=False)


def in_some_order(all_of: Sequence[Delivery]) -> list[Delivery]:
    """The same mixed order each time, for GitHub promises none; with the answers last."""
    mixed = list(all_of)
    random.Random(329).shuffle(mixed)  # noqa: S311 - no secret
    return sorted(mixed, key=lambda delivery: delivery.name in ANSWERS)


def _steps(history: Sequence[History]) -> int:
    return sum(len(one.steps) for one in history)


def _in_flight(history: Sequence[History]) -> list[str]:
    recorded = recorded_calls(history)
    return [line.key for line in ledger.lines() if line.is_call and line.key not in recorded]


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code. State and ledger go to the directory, .milepost/demo by default."""
    console = Console(soft_wrap=True)
    try:
        return 0 if Demo(console, Path(*arguments[:1]) if arguments else DIRECTORY).run() else 1
    except KeyboardInterrupt:
        console.print("\n  stopped")
        return 130
    except (FileNotFoundError, RuntimeError) as error:
        console.print(f"  {error}", style="red", markup=False)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
