"""Reads the pages of docs: code blocks, what files they say they are from, and links."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from docs.generate import slug

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(r"(?:^<!-- (?P<source>[^>\n]+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]+\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """One fenced block, and the file that the comment above it names."""

    page: str
    language: str
    text: str
    source: str | None


def blocks(page: Path) -> list[Block]:
    return [
        Block(page=page.name, language=match["language"], text=match["text"], source=match["source"])
        for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def is_excerpt(text: str, whole: str) -> bool:
    """The text stands in the whole, line by line and without a gap, at whatever indentation."""
    wanted = textwrap.dedent(text).strip("\n").splitlines()
    lines = whole.splitlines()
    return any(
        textwrap.dedent("\n".join(lines[start : start + len(wanted)])).splitlines() == wanted
        for start in range(len(lines) - len(wanted) + 1)
    )


def links(page: Path) -> list[str]:
    """Targets of the page's links, code blocks aside."""
    prose = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return [match["target"] for match in _LINK.finditer(re.sub(r"`[^`\n]*`", "", prose))]


def anchors(page: Path) -> set[str]:
    """What can stand after # in a link to the page, as GitHub makes it of headings."""
    headings = re.findall(r"^#+ (.+)$", _BLOCK.sub("", page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {slug(heading) for heading in headings}
