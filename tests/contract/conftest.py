"""Each contract test runs once on every bed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from milepost.engine.ports import Table
from tests.contract.beds import BEDS, Bed


@pytest.fixture(params=sorted(BEDS))
def bed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bed]:
    with BEDS[request.param](tmp_path) as opened:
        yield opened


@pytest.fixture
def table(bed: Bed) -> Table:
    return bed.ports.table
