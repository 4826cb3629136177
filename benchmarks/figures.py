"""What a figure is: samples with the F beside each, a target, and whether it is met.

A figure that stands on the disk is judged by the samples whose F, before and after, was at most FAST_MS: the disk of the
machine this was made on switches between 0.1 and 4 ms, and a slow disk says nothing of the engine.
"""

import statistics
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from benchmarks.disk import FAST_MS

Sense: TypeAlias = Literal["at most", "at least", "exactly"]
Verdict: TypeAlias = Literal["met", "missed", "not judged", ""]


class Target(msgspec.Struct, frozen=True):
    """A bound; with ``plus_f`` the F of the samples is added to it."""

    sense: Sense
    bound: float
    plus_f: bool = False

    def is_met(self, value: float, f_ms: float) -> bool:
        """Whether the value is within the bound."""
        bound = self.bound + (f_ms if self.plus_f else 0)
        match self.sense:
            case "at most":
                return value <= bound
            case "at least":
                return value >= bound
            case "exactly":
                return value == bound

    def text(self) -> str:
        """As a table shows it."""
        sign = {"at most": "≤", "at least": "≥", "exactly": "="}[self.sense]
        return f"{sign} {'F + ' if self.plus_f else ''}{number(self.bound)}"


def at_most(bound: float) -> Target:
    return Target("at most", bound)


def at_least(bound: float) -> Target:
    return Target("at least", bound)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    key: str
    what: str
    unit: str
    target: Target | None = None
    on_disk: bool = True
    """It stands on the disk; False: on processor and memory alone."""


class Sample(msgspec.Struct, frozen=True):
    """One round's value, with the greater of the F before and the F after it."""

    value: float
    f_ms: float


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A figure as measured."""

    figure: Figure
    samples: Sequence[Sample]

    @property
    def counted(self) -> Sequence[Sample]:
        """The samples that count: those on a fast disk, or all when there is none."""
        fast = [sample for sample in self.samples if sample.f_ms <= FAST_MS]
        return fast if fast and self.figure.on_disk else self.samples

    @property
    def value(self) -> float:
        return statistics.median(sample.value for sample in self.counted)

    @property
    def f_ms(self) -> float:
        """Beside the value."""
        return statistics.median(sample.f_ms for sample in self.counted)

    @property
    def is_judged(self) -> bool:
        return not self.figure.on_disk or self.f_ms <= FAST_MS

    @property
    def verdict(self) -> Verdict:
        target = self.figure.target
        if not self.is_judged:
            return "not judged"
        if target is None:
            return ""
        return "met" if target.is_met(self.value, self.f_ms) else "missed"


def number(value: float) -> str:
    """Three digits that say something."""
    if value == int(value) and abs(value) < 1_000_000:
        return f"{int(value):,}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
