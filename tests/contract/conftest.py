"""Each contract test runs once on every bed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from milepost.engine.ports import Table
from tests.contract.beds import BEDS, Bed
from tests.contract.known_differences import reason_of

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of a known difference must fail on its bed: one that passes says that the difference is gone."""
    for item in items:
        bed = item.callspec.params.get("bed") if isinstance(item, pytest.Function) and hasattr(item, "callspec") else None
        reason = None if bed is None or item.path.parent != HERE else reason_of(str(bed), item.name)
        if reason is not None:
            item.add_marker(pytest.mark.xfail(strict=True, reason=reason))


@pytest.fixture(params=sorted(BEDS))
def bed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bed]:
    with BEDS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def table(bed: Bed) -> Table:
    return bed.ports.table
