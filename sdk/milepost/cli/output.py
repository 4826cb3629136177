"""To the screen and to other programs: as wide as the terminal, or JSON documents, and nothing else.

Not a terminal: no colour, no cutting to the width of one. NO_COLOR and TERM=dumb are respected.
"""

from typing import Any

import click
import msgspec
from rich.console import Console

from milepost.dev.screen import STATUS_STYLES as STYLES
from milepost.dev.screen import text_console

__all__ = ["STYLES", "can_draw", "console", "write_json"]


def console() -> Console:
    """Stdout."""
    return text_console()


def write_json(document: object) -> None:
    """One JSON document, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(document, enc_hook=_as_text), indent=2).decode())


def _as_text(value: Any) -> str:
    return str(value)


def can_draw(screen: Console) -> bool:
    """Whether the terminal can show more than ASCII."""
    return screen.encoding.lower().startswith("utf")
