"""Columns that fit the screen: what has to give way does so in a fixed order, what is cut ends in an ellipsis, nothing wraps."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from rich.console import Console
from rich.text import Text

_GAP: Final = 2
_LEAST: Final = 8
"""Cells that the last column keeps; below that the line is cut at the edge."""

Cell: TypeAlias = str | Text


def print_columns(
    screen: Console,
    rows: Sequence[Sequence[Cell]],
    *,
    header: Sequence[str] = (),
    shrink: Mapping[int, int] | None = None,
    right: tuple[int, ...] = (),
) -> None:
    """Print rows of cells. The last column takes the rest of the line. ``shrink``: columns that give way, in this order, and
    how narrow they may become. ``right``: columns that are aligned so.
    """
    texts = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    titles = [Text(title, "dim") for title in header]
    widths = _widths([*([titles] if header else []), *texts], screen.width, shrink or {})
    for row in [*([titles] if any(header) else []), *texts]:
        screen.print(_line(row, widths, right), no_wrap=True, overflow="ellipsis", crop=True)


def _widths(rows: Sequence[Sequence[Text]], screen: int, shrink: Mapping[int, int]) -> list[int]:
    widths = [max(cell.cell_len for cell in column) for column in zip(*rows, strict=True)]
    over = sum(widths[:-1]) + _GAP * (len(widths) - 1) + min(widths[-1], max(_LEAST, screen // 3)) - screen
    for column, least in shrink.items():
        given = min(max(over, 0), max(widths[column] - least, 0))
        widths[column] -= given
        over -= given
    return widths


def _line(row: Sequence[Text], widths: Sequence[int], right: tuple[int, ...]) -> Text:
    line = Text()
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        if column == len(row) - 1:
            line.append_text(cell)
            break
        fitted = cell.copy()
        fitted.truncate(width, overflow="ellipsis")
        fitted.align("right" if column in right else "left", width)
        line.append_text(fitted).append(" " * _GAP)
    line.rstrip()
    return line
