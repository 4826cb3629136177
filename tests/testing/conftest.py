"""A shop of its own, or a moto of its own, for each test that asks for one."""

from collections.abc import Iterator

import pytest

from tests.testing.moto_bed import MotoBed, moto_bed
from tests.testing.shops import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def bed() -> Iterator[MotoBed]:
    with moto_bed() as opened:
        yield opened
