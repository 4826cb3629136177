"""Writes the generated pages of docs/reference anew: `python -m docs.generate`, which `make docs` calls.

A module of docs/generators that has a function ``pages() -> dict[str, str]`` says what files of docs/reference hold.
tests/docs/test_reference.py fails when a page on disk is not what it would be now.
"""

import importlib
import pkgutil
import re
from pathlib import Path

from docs import generators

REFERENCE = Path(__file__).resolve().parent / "reference"


def pages() -> dict[str, str]:
    """Every generated page by file name. Raises ValueError when two modules write the same one."""
    found: dict[str, str] = {}
    for info in pkgutil.iter_modules(generators.__path__):
        module = importlib.import_module(f"docs.generators.{info.name}")
        made: dict[str, str] = module.pages() if hasattr(module, "pages") else {}
        if twice := sorted(made.keys() & found.keys()):
            raise ValueError(f"docs/generators/{info.name}.py: {', '.join(twice)} is written by another module already")
        found |= made
    return {"README.md": index(found), **found}


def index(found: dict[str, str]) -> str:
    """The front page: every page, with what it explains."""
    lines = ["# Reference", "", "<!-- Written by `make docs`; do not edit. -->", ""]
    lines += ["Everything public. What does not stand here may change without notice.", ""]
    for file, text in found.items():
        title = re.search(r"^# (.+)$", text, flags=re.MULTILINE)
        names = [f"[{name}]({file}#{slug(name)})" for name in re.findall(r"^## (.+)$", text, flags=re.MULTILINE)]
        lines.append(f"- **[{title[1] if title else file}]({file})**: {', '.join(names)}")
    return "\n".join(lines) + "\n"


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def stale(reference: Path = REFERENCE) -> list[str]:
    """The pages that are not on disk as they would be written now, and those on disk that nothing writes."""
    wanted = pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in reference.glob("*.md")}
    return sorted({*(name for name, text in wanted.items() if there.get(name) != text), *(there.keys() - wanted.keys())})


def write(reference: Path = REFERENCE) -> list[str]:
    """Bring the pages up to date; returns the names of those that were not."""
    changed = stale(reference)
    wanted = pages()
    reference.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if name in wanted:
            (reference / name).write_text(wanted[name], encoding="utf-8")
        else:
            (reference / name).unlink()
    return changed


if __name__ == "__main__":
    print(f"docs/reference: {', '.join(write()) or 'nothing'} changed")
