"""The engine, unchanged, in the simulator: two thousand runs always, twenty thousand with the long proofs."""

import pytest

from tests.sim.campaign import play_seeds
from tests.sim.faults import KINDS
from tests.sim.showing import shown_seed

CHUNK = 20
SEEDS = range(0, 400, CHUNK)
"""About five runs each."""
MORE_SEEDS = range(10_000, 13_800, 2 * CHUNK)
ACTIONS = frozenset(
    ("ask", "tell", "stop", "cancel", "pause", "resume", "rerun", "deploy", "redrive", "poison", "answer", "refuse", "heartbeat")
)


def play(first: int, count: int) -> None:
    tally = play_seeds(first, count)
    if tally.failed:
        failed = tally.failed[0]
        pytest.fail(shown_seed(failed.seed) or f"seed {failed.seed} breaks a law, and when it is played again it does not: {failed}")
    assert tally.runs >= 3 * count


@pytest.mark.parametrize("first", SEEDS)
def test_no_law_is_broken(first: int) -> None:
    play(first, CHUNK)


@pytest.mark.long
@pytest.mark.parametrize("first", MORE_SEEDS)
def test_no_law_is_broken_in_many_more(first: int) -> None:
    play(first, 2 * CHUNK)


def test_every_fault_strikes_and_every_action_is_done() -> None:
    """Within three hundred seeds; mostly much sooner."""
    struck: set[str] = set()
    done: set[str] = set()
    swept = 0
    for first in range(0, 300, 10):
        tally = play_seeds(first, 10)
        struck.update(tally.faults)
        done.update(tally.actions)
        swept += tally.swept
        if struck >= KINDS and done >= ACTIONS and swept:
            break
    assert struck == KINDS
    assert done == ACTIONS
    assert swept > 0
