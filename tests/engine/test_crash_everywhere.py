"""A worker that dies at any of its port calls changes nothing that anybody can see.

Each scenario is played once without a fault, counting the worker's port calls; then once for every n, killed at its n-th;
and, in the long proofs, with the next worker killed too. Every time the same runs end alike, at most the step that was in
flight is done again, what is recorded is what a step returned, and nothing is left over. The sweeper is off: the protocols
do not need it for this (docs/design/protocols.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from milepost import App, RunStatus, StepRecord
from milepost.engine.origins import get_header
from milepost.engine.ports import Table
from milepost.testing import Sandbox
from milepost.testing.crashes import Fuse
from tests.engine.scenarios import SCENARIOS, Ledger

PAIRS = 60
"""Pairs of crashes that are tried of each scenario."""


class Fuses(Fuse):
    """One for each worker: the next is lit when a new worker is there. Counts the calls of the last."""

    def __init__(self, lengths: Sequence[int]) -> None:
        super().__init__()
        self._lengths = iter(lengths)
        self.calls = 0
        self.renew()

    def renew(self) -> None:
        super().renew()
        self.calls = 0
        length = next(self._lengths, None)
        if length is not None:
            self.light(length)

    def count(self) -> None:
        self.calls += 1
        super().count()


class Unswept(Sandbox):
    """A box whose sweeper never comes, and whose workers die one after the other."""

    def __init__(self, app: App, crashes: Sequence[int]) -> None:
        super().__init__(app)
        self._fuse = self._fuses = Fuses(crashes)

    def _tend(self) -> None:
        self._swept_at = self._clock.now_ms()
        super()._tend()

    def _next_sweep(self) -> int | None:
        return None

    @property
    def calls(self) -> int:
        """Port calls of the last worker."""
        return self._fuses.calls

    @property
    def table(self) -> Table:
        return self._plain.ports.table

    def left_over(self) -> list[str]:
        """Rows of waits, and messages."""
        self._store.flush()
        rows = self._store.read(lambda conn: conn.execute("SELECT pk FROM items WHERE pk LIKE 'wait#%'").fetchall())
        messages = self._store.read(lambda conn: conn.execute("SELECT body FROM messages").fetchall())
        return [str(row[0]) for row in (*rows, *messages)]


@dataclass
class Outcome:
    """What anybody can see in the end."""

    runs: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    steps: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict[str, list[tuple[str, str, str]]])
    recorded: set[str] = field(default_factory=set[str])
    """What steps have recorded, as it was: with the number of its execution."""


def plain(value: object) -> str:
    """Without the number of the execution."""
    return re.sub(r"#\d+", "", str(value))


def status_of(step: StepRecord) -> str:
    """Of a child that lost a race: its own answer, that it was cancelled, may come before its parent notes that it is."""
    return "lost" if step.kind == "invoke" and step.status in ("failed", "cancelled") else step.status


def outcome_of(box: Unswept) -> Outcome:
    found = Outcome()
    for run in box.runs():
        header = get_header(box.table, run.id)
        assert header is not None
        assert header.status.is_terminal, (run.function, run.status, run.view.reason)
        assert header.settled_at is not None, run.function
        shown = plain(run.result) if run.status == "completed" else plain(run.error)
        found.runs[run.id] = (run.function, run.status.value, shown)
        if run.status is not RunStatus.CANCELLED:  # how far a cancelled run had got is chance
            found.steps[run.id] = sorted((step.path, status_of(step), plain(step.result)) for step in run.steps)
        found.recorded.update(value for step in run.steps for value in re.findall(r"[\w ]+#\d+", str(step.result)))
    return found


def play(name: str, *crashes: int) -> tuple[Outcome, Ledger, int]:
    """Play it; the worker dies after so many port calls, the next worker after so many of its own, and so on."""
    ledger = Ledger()
    app, script = SCENARIOS[name](ledger)
    with Unswept(app, crashes) as box:
        script(box)
        outcome = outcome_of(box)
        assert box.left_over() == []
        return outcome, ledger, box.calls


def check(name: str, crashes: tuple[int, ...], calm: Outcome, calm_ledger: Ledger) -> None:
    outcome, ledger, _ = play(name, *crashes)
    assert outcome.runs == calm.runs
    assert outcome.steps == calm.steps
    assert outcome.recorded <= ledger.returned
    repeated = ledger.counts() - calm_ledger.counts()
    assert sum(repeated.values()) <= len(crashes), repeated
    assert not calm_ledger.counts() - ledger.counts()


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_crash_at_any_port_call_changes_nothing(name: str) -> None:
    calm, ledger, calls = play(name)
    assert calls > 3
    for crash in range(1, calls + 1):
        check(name, (crash,), calm, ledger)


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", SCENARIOS)
def test_two_crashes_anywhere_change_nothing(name: str) -> None:
    calm, ledger, calls = play(name)
    pairs = [(first, second) for first in range(1, calls + 1) for second in range(1, calls + 1)]
    for pair in pairs[:: max(1, len(pairs) // PAIRS)]:
        check(name, pair, calm, ledger)
