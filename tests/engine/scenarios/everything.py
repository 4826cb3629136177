"""All scenarios: as they are written, and as their async twins (tests/async_twin.py)."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from tests.async_twin import async_twin
from tests.engine.scenarios import around, children, doors, groups, steps, waits
from tests.engine.scenarios.kit import ASYNC, SCENARIOS

_MODULES: Final = (steps, waits, groups, children, doors, around)


def _twin_of(module: ModuleType) -> None:
    """The functions of its steps stay def, so that a play takes the same path every time."""
    path = Path(str(module.__file__))
    twin = ModuleType(module.__name__ + ASYNC)
    twin.__file__ = str(path)
    sys.modules[twin.__name__] = twin
    exec(compile(async_twin(path.read_bytes(), def_steps=True), str(path), "exec", dont_inherit=True), vars(twin))


for _module in _MODULES:
    _twin_of(_module)

ALL: Final = SCENARIOS
