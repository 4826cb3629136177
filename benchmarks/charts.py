"""Curves as SVG, both axes logarithmic: what costs the same whatever the size is level, what grows with it rises."""

import math
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

import msgspec

from benchmarks.figures import number

_WIDTH: Final = 720
_HEIGHT: Final = 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 40, 50
_COLOURS: Final = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce", "#475569", "#be123c")


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured at one x, by line, with the F beside it."""

    x: int
    f_ms: float
    values: Mapping[str, float]


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """One chart, and one table."""

    name: str
    title: str
    across: str
    up: str
    points: Sequence[Point]
    beside: str = ", time"
    """How the names of those lines end that stand in the table only: they stand on the disk, which is not always the same."""

    @property
    def lines(self) -> list[str]:
        """The names of all lines."""
        return list(self.points[0].values)

    @property
    def drawn(self) -> list[str]:
        """Those of the chart."""
        return [line for line in self.lines if not line.endswith(self.beside)]

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings, and a row for each x."""
        rows = [[f"{point.x:,}", *(number(point.values[line]) for line in self.lines), f"{point.f_ms:.2f}"] for point in self.points]
        return [self.across, *(f"{line}, {self.up}" for line in self.lines), "F, ms"], rows


def svg(curve: Curve) -> str:
    """The chart, on white, whatever page it stands on."""
    xs = [point.x for point in curve.points]
    ys = [point.values[line] for point in curve.points for line in curve.drawn]
    left, right = math.log10(min(xs)), math.log10(max(xs))
    low, high = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - left) / (right - left or 1)
        up = (math.log10(y) - low) / (high - low or 1)
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15" fill="#111827">{escape(curve.title)}</text>',
        f'<text x="{_LEFT}" y="{_HEIGHT - 12}" fill="#374151">{escape(curve.across)}; up: {escape(curve.up)}</text>',
    ]
    for value in _ticks(low, high):
        x, y = at(10**left, value)
        parts.append(f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end" fill="#374151">{number(value)}</text>')
    for exponent in range(math.ceil(left), math.floor(right) + 1):
        x, y = at(10**exponent, 10**low)
        parts.append(f'<text x="{x:.1f}" y="{y + 16:.1f}" text-anchor="middle" fill="#374151">{10**exponent:,}</text>')
    for index, line in enumerate(curve.drawn):
        colour = _COLOURS[index % len(_COLOURS)]
        places = [at(point.x, point.values[line]) for point in curve.points]
        track = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{track}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        parts.append(f'<text x="{_WIDTH - _RIGHT + 12}" y="{_TOP + 16 * (index + 1)}" fill="{colour}">{escape(line)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _ticks(low: int, high: int) -> list[float]:
    """1, 2, 5 of each power of ten, or the powers alone when there are many."""
    steps = (1, 2, 5) if high - low <= 2 else (1,)
    return [step * 10.0**exponent for exponent in range(low, high) for step in steps] + [10.0**high]
