"""Test kit: a cloud in memory with a virtual clock, and plays of a scenario in it with everything that can go wrong.

Its names are loaded when they are asked for: pytest loads the plugin beside them wherever milepost is installed.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from milepost.testing.everywhere import CrashReport, crash_everywhere
    from milepost.testing.meter import Meter
    from milepost.testing.sandbox import Sandbox
    from milepost.testing.usage import Count, RunCount, Usage
else:

    def __getattr__(name: str) -> object:
        """A name of this package, loaded now. Not for type checkers, which would believe that every name is here."""
        import importlib

        homes = {
            "Count": "usage",
            "CrashReport": "everywhere",
            "Meter": "meter",
            "RunCount": "usage",
            "Sandbox": "sandbox",
            "Usage": "usage",
            "crash_everywhere": "everywhere",
        }
        if name not in homes:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"milepost.testing.{homes[name]}"), name)


__all__ = ["Count", "CrashReport", "Meter", "RunCount", "Sandbox", "Usage", "crash_everywhere"]
