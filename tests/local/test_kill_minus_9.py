"""The promise of the whole: kill -9 at random instants while the example works, and every run ends right all the same.

The worker is a process of its own. Webhooks are sent by this one, while the worker lives and while none does, some twice.
After the last kill a worker finishes what is left. Then the runs' history and the ledger of what was really called must
agree (examples/github/audit.py says on what), and the steps that were on disk at a kill must not have been called again.
"""

import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from examples.github import ledger
from examples.github.audit import Audit, Crash, audit, crash_of, recorded_calls
from examples.github.pace import RUSH
from examples.github.payloads import Delivery, deliveries, event_of
from examples.github.process import WorkerProcess
from examples.github.services import Services
from examples.github.state import State
from milepost import RunStatus

PATIENCE_S = 40.0
RECOVERY_S = 20.0


class Torment:
    """One state file, a worker on it that is killed again and again, and a client beside it."""

    def __init__(self, directory: Path, seed: int) -> None:
        self._random = random.Random(seed)
        self._services = Services(latency=RUSH.latency)
        self._worker = WorkerProcess(directory, pace="rush", services=self._services.url)
        self._sent = self._shuffled()
        self._crashes: list[Crash] = []
        self._died: dict[str, int] = {}
        """Runs that were at work at the last kill, with how many steps they had recorded."""

    def _shuffled(self) -> Sequence[Delivery]:
        return self._random.sample(deliveries(), k=329)

    def run(self, kills: int) -> Audit:
        """Kill so often, let it finish, and compare."""
        try:
            self._worker.start()
            self._worker.wait_until_ready()
            with self._services, State(self._worker.state_file) as state:
                for number in range(kills):
                    part = self._sent[number * 329 // kills : (number + 1) * 329 // kills]
                    self._live_and_die(state, number, part)
                return self._finish(state)
        finally:
            self._worker.kill()

    def _live_and_die(self, state: State, number: int, part: Sequence[Delivery]) -> None:
        """Send a part of the webhooks around an instant at which the worker is killed."""
        aims_at_a_call = number % 2 == 1
        before = len(part) if aims_at_a_call else self._random.randint(0, len(part))
        if aims_at_a_call:
            self._await_recovery(state)
        calls = len(ledger.lines())
        self._send(state, part[:before])
        if aims_at_a_call:
            self._await_a_call(calls)
            time.sleep(self._random.uniform(0, RUSH.latency.total_seconds()))
        else:
            time.sleep(self._random.uniform(0, 0.8))  # it may be starting, repairing, working or idle
        assert not self._worker.has_died(), self._worker.output()
        self._worker.kill()
        self._services.settle()
        history = state.history()
        self._died = {one.run.id: len(one.steps) for one in history if one.run.status is RunStatus.RUNNING}
        self._crashes.append(crash_of(history, ledger.lines()))
        if self._random.random() < 0.5:
            self._send(state, part[before:])
            self._worker.start()
        else:
            self._worker.start()
            self._send(state, part[before:])

    def _await_recovery(self, state: State) -> None:
        """Until what the kills so far interrupted is recorded: the fourth death in one step would rightly fail it. Of many runs
        at once most die in a step that has not got as far as its call, and that counts as well: each has to get on.
        """
        deadline = time.monotonic() + RECOVERY_S
        begun = {line.key for line in ledger.lines() if line.is_call}
        while True:
            history = state.history()
            ended = {one.run.id for one in history if one.run.status.is_terminal}  # a cancelled run records nothing more
            lost = [key for key in begun - set(recorded_calls(history)) if key.partition("/")[0] not in ended]
            stuck = [one.run.id for one in history if self._died.get(one.run.id) == len(one.steps) and one.run.status is RunStatus.RUNNING]
            if not lost and not stuck:
                return
            assert time.monotonic() < deadline, f"interrupted by a kill, and not made again in {RECOVERY_S:.0f} s: {lost} {stuck}"
            time.sleep(0.01)

    def _await_a_call(self, calls: int) -> None:
        deadline = time.monotonic() + 2
        while len(ledger.lines()) == calls and time.monotonic() < deadline:
            time.sleep(0.002)

    def _send(self, state: State, part: Sequence[Delivery]) -> None:
        for delivery in part:
            for _ in range(self._random.choice((1, 1, 1, 2))):
                state.send(delivery.id, event_of(delivery))

    def _finish(self, state: State) -> Audit:
        """Until nothing is wrong any more, or time is up and something is."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = audit(sent=self._sent, accepted=state.accepted(), history=state.history(), lines=ledger.lines(), crashes=self._crashes)
            if not found.problems or found.repeated or time.monotonic() > deadline:
                return found
            assert not self._worker.has_died(), self._worker.output()
            time.sleep(0.1)


def check(directory: Path, monkeypatch: pytest.MonkeyPatch, *, kills: int, seed: int) -> None:
    monkeypatch.setenv("GITHUB_EXAMPLE_LEDGER", str(directory / "ledger.jsonl"))
    found = Torment(directory, seed).run(kills)
    assert found.problems == []
    assert found.repeated == []
    assert found.runs["deploy", RunStatus.FAILED] == 1
    assert found.interrupted, "no kill came between a call and its record: this has shown nothing"


@pytest.mark.timeout(180)
def test_ten_kills_leave_every_run_ended_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check(tmp_path, monkeypatch, kills=10, seed=9)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_kills_leave_every_run_ended_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    check(tmp_path, monkeypatch, kills=20, seed=seed)
