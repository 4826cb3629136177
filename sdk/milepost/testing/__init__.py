"""Test kit: a cloud in memory with a virtual clock.

Its names are loaded when they are asked for: pytest loads the plugin beside them wherever milepost is installed.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milepost.testing.meter import Meter
    from milepost.testing.sandbox import Sandbox
else:

    def __getattr__(name: str) -> object:
        """A name of this package, loaded now. Not for type checkers, which would believe that every name is here."""
        import importlib

        home = {"Meter": "milepost.testing.meter", "Sandbox": "milepost.testing.sandbox"}.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(home), name)


__all__ = ["Meter", "Sandbox"]
