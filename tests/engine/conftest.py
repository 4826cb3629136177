"""What the protocol tests begin with: an app without functions yet, and its stage."""

from collections.abc import Iterator

import pytest

from tests.engine.shop import Shop
from tests.engine.stage import Stage


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def stage(shop: Shop) -> Iterator[Stage]:
    with Stage(shop.app) as stage:
        yield stage
