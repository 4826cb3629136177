"""The pytest plugin: fixture ``sandbox``, a `Sandbox` of your app, entered.

Its app is that of ``@pytest.mark.milepost(app)``, nearest first; else that of the ini option ``milepost_app = "shop:app"``.
Loaded by pytest in every project that has milepost installed, so it imports nothing of milepost until the fixture is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milepost.app import App
    from milepost.testing.sandbox import Sandbox


def pytest_addoption(parser: pytest.Parser) -> None:
    """The ini option."""
    parser.addini("milepost_app", "The app of the fixture `sandbox`: MODULE:APP.", default="")


def pytest_configure(config: pytest.Config) -> None:
    """The marker, for --strict-markers and `pytest --markers`."""
    config.addinivalue_line("markers", 'milepost(app): the app of the fixture `sandbox`: an App, or "MODULE:APP".')


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A cloud in memory with a virtual clock; say ``def test_it(sandbox: Sandbox)`` with `milepost.testing.Sandbox`."""
    from milepost.testing.sandbox import Sandbox  # here: the plugin is loaded wherever milepost is installed

    with Sandbox(_app_of(request)) as box:
        yield box


def _app_of(request: pytest.FixtureRequest) -> App:
    from milepost.app import App

    marker = request.node.get_closest_marker("milepost")
    if marker is None:
        target: object = request.config.getini("milepost_app")
        if not target:
            pytest.fail(
                "the fixture `sandbox` does not know its app: put @pytest.mark.milepost(app) above the test, "
                'or milepost_app = "shop:app" into the pytest section of pyproject.toml',
                pytrace=False,
            )
    elif len(marker.args) != 1 or marker.kwargs:
        pytest.fail('@pytest.mark.milepost takes the app and nothing else: @pytest.mark.milepost(app), or ("shop:app")', pytrace=False)
    else:
        target = marker.args[0]
    if isinstance(target, App):
        return target
    if isinstance(target, str):
        return _loaded(target, request)
    pytest.fail(f'@pytest.mark.milepost takes an App, or "MODULE:APP", not {target!r}', pytrace=False)


def _loaded(target: str, request: pytest.FixtureRequest) -> App:
    from milepost.loading import AppNotLoaded, load_app

    try:
        return load_app(target, request.config.rootpath)
    except AppNotLoaded as error:
        trace = f"\n{error.trace}" if error.trace else ""
        pytest.fail(f"the app of the fixture `sandbox`: {error}; {error.hint}{trace}", pytrace=False)
