"""Test kit: a cloud in memory with a virtual clock."""

from milepost.testing.meter import Meter
from milepost.testing.sandbox import Sandbox

__all__ = ["Meter", "Sandbox"]
