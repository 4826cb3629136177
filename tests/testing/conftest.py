"""A shop of its own for each test."""

import pytest

from tests.testing.shops import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()
