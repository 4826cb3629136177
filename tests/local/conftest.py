"""A local cloud's store, on a file and in memory, with a clock that tests set."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from milepost.local.store import Store
from tests.contract.beds import SetClock


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "state.db" if request.param == "file" else None) as opened:
        yield opened


@pytest.fixture
def file_store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "state.db") as opened:
        yield opened


@pytest.fixture
def clock() -> SetClock:
    return SetClock()
