"""To the screen and to other programs: as wide as the terminal, or JSON documents, and nothing else.

Not a terminal: no colour, no cutting to the width of one. NO_COLOR and TERM=dumb are respected.
"""

import os
import sys
from typing import Any, Final

import click
import msgspec
from rich.console import Console

from milepost.dev.screen import STATUS_STYLES as STYLES

__all__ = ["STYLES", "can_draw", "console", "write_json"]

WIDE: Final = 160
"""Columns where no terminal sets a width."""


def console() -> Console:
    """Stdout, as wide as its terminal."""
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDE
    return Console(file=sys.stdout, width=width, highlight=False, soft_wrap=False, emoji=False, markup=False)


def write_json(document: object) -> None:
    """One JSON document, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(document, enc_hook=_as_text), indent=2).decode())


def _as_text(value: Any) -> str:
    return str(value)


def can_draw(screen: Console) -> bool:
    """Whether the terminal can show more than ASCII."""
    return screen.encoding.lower().startswith("utf")
