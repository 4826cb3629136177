"""How large a run may be: 30,000 steps, 10,000 children, in at most 256 MB. The small sizes show that the checks work."""

from pathlib import Path

import pytest

from tests.large.took import Took, took

MOST_MB = 256
SHORT_SLICE_MS = 3_000
"""Of which a second is the margin: 30,000 steps do not fit into two of them, on any disk."""


def check(found: Took, number: int) -> None:
    assert found.result == number * (number - 1) // 2
    assert found.executed == number, "a step that was recorded ran again"
    assert found.peak_rss_mb <= MOST_MB


@pytest.mark.parametrize("function", ["sequence", "sequence_async", "gathered", "children", "children_async", "joined", "joined_async"])
def test_each_of_them_runs_small(tmp_path: Path, function: str) -> None:
    check(took(tmp_path, function, 20), 20)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("function", ["sequence", "sequence_async"])
def test_30_000_steps_in_sequence_over_several_slices(tmp_path: Path, function: str) -> None:
    found = took(tmp_path, function, 30_000, slice_ms=SHORT_SLICE_MS)
    check(found, 30_000)
    assert found.slices >= 3


@pytest.mark.long
@pytest.mark.timeout(600)
def test_10_000_steps_at_once(tmp_path: Path) -> None:
    check(took(tmp_path, "gathered", 10_000), 10_000)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("function", ["children", "children_async"])
def test_10_000_children_wake_their_parent_50_times_at_most(tmp_path: Path, function: str) -> None:
    found = took(tmp_path, function, 10_000)
    check(found, 10_000)
    assert 2 <= found.slices <= 50


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("function", ["joined", "joined_async"])
def test_a_join_of_1_000_with_a_kilobyte_each(tmp_path: Path, function: str) -> None:
    check(took(tmp_path, function, 1_000), 1_000)
