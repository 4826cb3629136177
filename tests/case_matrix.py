"""The matrix of promises and the cases that hold them: `python -m tests.case_matrix`, which `make docs` calls, writes docs/design/cases.md.

It reads the tags of the case files and their claims, without importing them.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.cases.rows import ROWS, SECTIONS

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "cases"
PAGE = ROOT / "docs" / "design" / "cases.md"

_TAG = "Covers:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One test file that covers rows."""

    path: str
    """From the root of the repository."""
    claim: str
    rows: tuple[str, ...]


def read_case(path: Path, root: Path = ROOT) -> Case | None:
    """The file's claim and tags; None when its docstring has no tag line."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    lines = docstring.splitlines()
    tagged = next((number for number, line in enumerate(lines) if line.startswith(_TAG)), None)
    if tagged is None:
        return None
    tags = " ".join(lines[tagged:]).removeprefix(_TAG)
    rows = tuple(tag.strip().rstrip(".") for tag in tags.split(","))
    claim = " ".join(" ".join(lines[:tagged]).split())
    return Case(path=path.relative_to(root).as_posix(), claim=claim, rows=rows)


def files() -> list[Path]:
    """The files of tests/cases that must be tagged."""
    return sorted(CASES.glob("test_*.py"))


def cases() -> list[Case]:
    """Every tagged test file, those beside tests/cases included: some promises need a process or a thread of their own."""
    return [case for path in sorted((ROOT / "tests").rglob("test_*.py")) if (case := read_case(path)) is not None]


def uncovered(found: Iterable[Case]) -> list[str]:
    """Rows that no case covers."""
    covered = {row for case in found for row in case.rows}
    return [row for row in ROWS if row not in covered]


def unknown(found: Iterable[Case]) -> list[str]:
    """Tags that are no row, with their file."""
    return [f"{case.path}: {row!r}" for case in found for row in case.rows if row not in ROWS]


def page(found: Iterable[Case]) -> str:
    """The matrix as a page of Markdown."""
    by_row: dict[str, list[Case]] = {}
    for case in found:
        for tag in case.rows:
            by_row.setdefault(tag, []).append(case)
    held = {case.path for covering in by_row.values() for case in covering}
    out = [
        "# Cases",
        "",
        "<!-- Written by `make docs`; do not edit. -->",
        "",
        f"What Milepost promises, and the test files that hold it: {len(ROWS)} promises, {len(held)} files.",
    ]
    for section in SECTIONS:
        out += ["", f"## {section.title}", "", "| promise | held by |", "|---|---|"]
        for row in section.rows:
            links = "<br>".join(f"[{Path(case.path).stem.removeprefix('test_')}](../../{case.path})" for case in by_row.get(row.id, []))
            sentence = row.sentence.replace("|", "\\|").replace("<", "&lt;")
            out.append(f"| `{row.id}` {sentence} | {links or '**nothing**'} |")
    return "\n".join(out) + "\n"


def main() -> None:
    PAGE.write_text(page(cases()), encoding="utf-8")


if __name__ == "__main__":
    main()
