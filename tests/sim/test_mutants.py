"""The simulator finds what it is there to find: bugs planted into the engine."""

import pytest

from tests.sim.mutants import MUTANTS, SEEDS, breaks, hunt, plan

QUICK = ("takes a live lease", "ends what has ended", "arms in the first slice only")


def _found(name: str) -> None:
    find = hunt(MUTANTS[name])
    assert find.law, f"{name}: not found in {find.plays} seeds"


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found(name: str) -> None:
    _found(name)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in MUTANTS if name not in QUICK])
def test_every_planted_bug_is_found_within_the_range(name: str) -> None:
    _found(name)


def test_a_bug_is_there_only_while_it_is_planted() -> None:
    mutant = MUTANTS["takes a live lease"]
    seed = hunt(mutant).seed
    with mutant.planted():
        assert breaks(plan(mutant, seed)) is not None
    assert breaks(plan(mutant, seed)) is None


def test_every_bug_changes_something_of_the_engine() -> None:
    for mutant in MUTANTS.values():
        patches = list(mutant.patches())
        assert patches, mutant.name
        for owner, name, mutated in patches:
            assert vars(owner)[name] is not mutated, mutant.name


def test_the_engine_as_it_is_breaks_no_law_where_rates_are_changed() -> None:
    """A mutant's own rates must not ask for more than the engine promises."""
    for mutant in MUTANTS.values():
        if mutant.focus is not None:
            for seed in SEEDS[:3]:
                assert breaks(plan(mutant, seed)) is None, (mutant.name, seed)
