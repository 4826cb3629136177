"""Test kit: a cloud in memory with a virtual clock.

Its names are loaded when they are asked for: pytest loads the plugin beside them wherever milepost is installed.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from milepost.testing.meter import Meter
    from milepost.testing.sandbox import Sandbox

__all__ = ["Meter", "Sandbox"]

_HOMES = {"Meter": "milepost.testing.meter", "Sandbox": "milepost.testing.sandbox"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
