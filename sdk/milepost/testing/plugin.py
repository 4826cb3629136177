"""The pytest plugin: fixture ``sandbox``, a `Sandbox` of your app, entered.

Its app is that of ``@pytest.mark.milepost(app)``, nearest first; else that of the ini option ``milepost_app = "shop:app"``. Its
backend is that of ``@pytest.mark.milepost(backend="moto")``, nearest first; else that of ``milepost_backend = "moto"``; else memory.
Loaded by pytest in every project that has milepost installed, so it imports nothing of milepost until the fixture is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milepost.app import App
    from milepost.testing.choosing import BackendName
    from milepost.testing.sandbox import Sandbox


def pytest_addoption(parser: pytest.Parser) -> None:
    """The ini options."""
    parser.addini("milepost_app", "The app of the fixture `sandbox`: MODULE:APP.", default="")
    parser.addini("milepost_backend", "The backend of the fixture `sandbox`: memory or moto.", default="memory")


def pytest_configure(config: pytest.Config) -> None:
    """The marker, for --strict-markers and `pytest --markers`."""
    config.addinivalue_line(
        "markers", 'milepost(app, backend): the app of the fixture `sandbox`, an App or "MODULE:APP", and its backend, "memory" or "moto".'
    )


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A cloud with a virtual clock, in memory or on moto; say ``def test_it(sandbox: Sandbox)`` with `milepost.testing.Sandbox`."""
    from milepost.testing.sandbox import Sandbox  # here: the plugin is loaded wherever milepost is installed

    with Sandbox(_app_of(request), backend=_backend_of(request)) as box:
        yield box


_WRONG: Final = '@pytest.mark.milepost takes the app and the backend: @pytest.mark.milepost(app, backend="moto"), or ("shop:app")'


def _backend_of(request: pytest.FixtureRequest) -> BackendName:
    from milepost.errors import UsageError
    from milepost.testing.choosing import check_backend

    named = (marker.kwargs["backend"] for marker in request.node.iter_markers("milepost") if "backend" in marker.kwargs)
    try:
        return check_backend(next(named, request.config.getini("milepost_backend")))
    except UsageError as error:
        pytest.fail(f"the backend of the fixture `sandbox`: {error}", pytrace=False)


def _app_of(request: pytest.FixtureRequest) -> App:
    from milepost.app import App

    markers = list(request.node.iter_markers("milepost"))
    if any(len(marker.args) > 1 or marker.kwargs.keys() - {"backend"} or not (marker.args or marker.kwargs) for marker in markers):
        pytest.fail(_WRONG, pytrace=False)
    marker = next((marker for marker in markers if marker.args), None)
    if marker is None:
        target: object = request.config.getini("milepost_app")
        if not target:
            pytest.fail(
                "the fixture `sandbox` does not know its app: put @pytest.mark.milepost(app) above the test, "
                'or milepost_app = "shop:app" into the pytest section of pyproject.toml',
                pytrace=False,
            )
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
