"""From ``MODULE:FUNCTION`` or ``FILE.py`` to a scenario: a function of the user's that is given a Sandbox and plays in it."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias, TypeVar

from milepost.errors import MilepostError
from milepost.loading import user_traceback
from milepost.testing.sandbox import Sandbox

T = TypeVar("T")

Scenario: TypeAlias = Callable[[Sandbox], object]

NAME: Final = "scenario"
"""Of the function in a file, unless told."""

HOW_TO: Final = "write one: `def scenario(box: Sandbox) -> None`, which sends an event and advances the clock until its runs have ended"


class ScenarioError(MilepostError):
    """A scenario cannot be loaded, or raised. ``trace`` is the user's traceback when his code raised."""

    def __init__(self, message: str, *, hint: str, trace: str = "", is_usage: bool = False) -> None:
        super().__init__(message)
        self.hint: Final = hint
        self.trace: Final = trace
        self.is_usage: Final = is_usage
        """What was given cannot be; else his code raised."""


def load_scenario(given: str, directory: Path) -> Scenario:
    """The function that ``shop.scenarios:big_order``, ``scenarios.py`` or ``scenarios.py:big_order`` names. Runs the module's own
    code. Raises ScenarioError.
    """
    place, _, name = given.partition(":")
    module = _from_file(directory / place) if place.endswith(".py") else _from_module(place, given, directory)
    found: Any = getattr(module, name or NAME, None)
    if found is None:
        raise ScenarioError(f"{place} has no {name or NAME!r}", hint=HOW_TO, is_usage=True)
    if not callable(found):
        raise ScenarioError(f"{given} is {type(found).__name__}, not a function", hint=HOW_TO, is_usage=True)
    scenario: Scenario = found
    return scenario


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ScenarioError(f"there is no file {path}", hint="--scenario names FILE.py, FILE.py:FUNCTION or MODULE:FUNCTION", is_usage=True)
    module = importlib.util.module_from_spec(spec)
    loader = spec.loader
    _guarded(lambda: loader.exec_module(module), path.name)
    return module


def _from_module(name: str, given: str, directory: Path) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ScenarioError(
            f"{given!r} does not say where the scenario is", hint="write MODULE:FUNCTION or FILE.py:FUNCTION", is_usage=True
        )
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
    try:
        is_there = importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        is_there = False
    if not is_there:
        raise ScenarioError(f"there is no module {name!r} in {directory}", hint=HOW_TO, is_usage=True)
    return _guarded(lambda: importlib.import_module(name), name)


def _guarded(load: Callable[[], T], name: str) -> T:
    try:
        return load()
    except Exception as error:  # whatever a user's module raises keeps it from being loaded
        raise raised(f"{name} could not be loaded", error) from error


def raised(what: str, error: Exception) -> ScenarioError:
    """What is said of an error of the user's code."""
    message = f"{what}: {type(error).__name__}: {error}"
    return ScenarioError(message, hint="the traceback above ends where it went wrong", trace=user_traceback(error))
