"""The matrix of promises and the cases that hold them: `python -m tests.case_matrix`, which `make docs` calls, writes docs/design/cases.md.

It reads the tags of the case files and their claims, without importing them.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.async_twin import has_bodies
from tests.cases.rows import ROWS, SECTIONS

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "tests" / "cases"
PAGE = ROOT / "docs" / "design" / "cases.md"

_TAG = "Covers:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Twin:
    """Whether a case runs as async def too; see tests/async_twin.py."""

    exists: bool = False
    exceptions: tuple[str, ...] = ("it has no body",)
    """What of it does not, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One test file that covers rows."""

    path: str
    """From the root of the repository."""
    claim: str
    rows: tuple[str, ...]
    twin: Twin = Twin()


def read_case(path: Path, root: Path = ROOT) -> Case | None:
    """The file's claim and tags; None when its docstring has no tag line."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstring = ast.get_docstring(tree) or ""
    lines = docstring.splitlines()
    tagged = next((number for number, line in enumerate(lines) if line.startswith(_TAG)), None)
    if tagged is None:
        return None
    tags = " ".join(lines[tagged:]).removeprefix(_TAG)
    rows = tuple(tag.strip().rstrip(".") for tag in tags.split(","))
    claim = " ".join(" ".join(lines[:tagged]).split())
    return Case(path=path.relative_to(root).as_posix(), claim=claim, rows=rows, twin=read_twin(tree))


def read_twin(tree: ast.Module) -> Twin:
    """Whether the file has a twin, and what its marks except from it."""
    if not has_bodies(tree):
        return Twin(exists=False, exceptions=("it has no body",))
    of_module: list[ast.expr] = []
    of_tests: list[tuple[str, ast.expr]] = []
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=mark):
                of_module.append(mark)
            case ast.FunctionDef(name=name, decorator_list=marks):
                of_tests.extend((name, mark) for mark in marks)
            case _:
                pass
    none = [reason for mark in of_module for reason in _reasons(mark, "def_only")]
    steps = [f"the functions of its steps stay def: {reason}" for mark in of_module for reason in _reasons(mark, "def_steps")]
    tests = [f"`{name}`: {reason}" for name, mark in of_tests for reason in _reasons(mark, "def_only")]
    fails = [f"`{name}` fails as async: {reason}" for name, mark in of_tests for reason in _reasons(mark, "async_fails")]
    return Twin(exists=not none, exceptions=(*none, *steps, *tests, *fails))


def _reasons(mark: ast.expr, name: str) -> list[str]:
    match mark:
        case ast.Call(func=ast.Attribute(attr=attr), args=[ast.Constant(value=str() as reason)]) if attr == name:
            return [reason]
        case _:
            return []


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
    found = list(found)
    by_row: dict[str, list[Case]] = {}
    for case in found:
        for tag in case.rows:
            by_row.setdefault(tag, []).append(case)
    by_path = {case.path: case for case in found}
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
    return "\n".join([*out, *_twins([case for case in by_path.values() if case.path.startswith("tests/cases/")])]) + "\n"


def _twins(found: list[Case]) -> list[str]:
    count = sum(case.twin.exists for case in found)
    return [
        "",
        "## As async functions",
        "",
        f"Of the {len(found)} files of `tests/cases`, {count} run twice from one source: as written, and with their bodies, branches,",
        "handlers and step functions as `async def` ([async_twin](../../tests/async_twin.py)). These do not, or not wholly:",
        "",
        "| file | why |",
        "|---|---|",
        *(
            f"| [{Path(case.path).stem.removeprefix('test_')}](../../{case.path}) | {'<br>'.join(case.twin.exceptions)} |"
            for case in found
            if case.twin.exceptions
        ),
    ]


def main() -> None:
    PAGE.write_text(page(cases()), encoding="utf-8")


if __name__ == "__main__":
    main()
