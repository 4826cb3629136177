"""What holds for every test of the repository."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Two cores are shared by several workers: a slow example says nothing about the code. A failing example prints how to repeat it.
settings.register_profile("milepost", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("milepost")


@pytest.fixture(autouse=True)
def same_cloud() -> Iterator[None]:
    """A test leaves to the next the cloud that the environment named before, also one whose fixtures end in another order than they
    began.
    """
    before = _of_a_cloud()
    yield
    for name in _of_a_cloud().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _of_a_cloud() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "MILEPOST_"))}
