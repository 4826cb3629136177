"""The tests that README and tutorial show are tests that pass."""

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from docs.tutorial import test_trips
from examples.quickstart import test_shop


def cases_of(module: ModuleType) -> Iterator[Callable[[], None]]:
    return (value for name, value in vars(module).items() if name.startswith("test_") and inspect.isfunction(value))


@pytest.mark.parametrize("test", [*cases_of(test_shop), *cases_of(test_trips)], ids=lambda test: test.__name__)
def test_passes(test: Callable[[], None]) -> None:
    test()
