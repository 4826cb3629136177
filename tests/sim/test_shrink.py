"""A planted bug is found, and shown in a few lines."""

import pytest

from milepost.engine import keys, lease, lifecycle
from milepost.engine.ports import And, Change, Table
from milepost.engine.records import Header
from tests.sim.plan import plan_of
from tests.sim.programs import operations
from tests.sim.showing import shown
from tests.sim.shrink import Case, Failure, attempt, shrunken


@pytest.fixture
def _settles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An end that nobody settles."""

    def settled(table: Table, header: Header, *, now: int, ttl: int) -> None:
        """Nothing."""

    monkeypatch.setattr(lease, "settled", settled)


@pytest.fixture
def _takes_what_is_leased(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease that is taken although it is live."""

    def acquire(table: Table, run: str, claim: lease.Claim, *, not_after: int | None = None) -> Header:
        change = Change(
            set={"status": "running", "owner": claim.owner, "lease_until": claim.until, "acquired_at": claim.now, "inbox": 0},
            add={"epoch": 1},
        )
        conditions = (lifecycle.allows(lifecycle.Move.ACQUIRE),)
        return Header.from_item(table.update(keys.header(run), change, And(conditions)))

    monkeypatch.setattr(lease, "acquire", acquire)


def first_failure(law: str) -> Failure:
    for seed in range(200):
        _, failure = attempt(Case(plan=plan_of(seed)))
        if failure is not None and failure.law == law:
            return failure
    raise AssertionError(f"no seed breaks: {law}")


@pytest.mark.usefixtures("_settles_nothing")
def test_what_is_broken_always_shrinks_to_nearly_nothing() -> None:
    found = shrunken(first_failure("every end is settled"), seconds=60, most_plays=2_000)
    plan = found.case.plan
    assert operations(plan.system) <= 2
    assert [action.kind for action in plan.actions] == ["ask"]
    assert found.struck == ()


@pytest.mark.usefixtures("_takes_what_is_leased")
def test_what_takes_a_fault_shrinks_to_a_few() -> None:
    found = shrunken(first_failure("one holder at a time"), seconds=60, most_plays=2_000)
    plan = found.case.plan
    assert operations(plan.system) <= 3
    assert [action.kind for action in plan.actions].count("ask") <= 2
    assert len(plan.actions) <= 3
    assert len(found.struck) <= 2
    text = shown(found)
    assert "breaks: one holder at a time" in text
    assert "takes the lease" in text
    assert max(map(len, text.splitlines())) <= 160


@pytest.mark.usefixtures("_settles_nothing")
def test_the_same_failure_shrinks_to_the_same() -> None:
    failure = first_failure("every end is settled")
    assert shrunken(failure, seconds=60, most_plays=60) == shrunken(failure, seconds=60, most_plays=60)
