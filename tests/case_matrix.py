"""The matrix of promises and the cases that hold them: `python -m tests.case_matrix`, which `make docs` calls, writes docs/design/cases.md.

It reads the tags of the case files and their claims, without importing them.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.async_twin import has_bodies
from tests.case_modes import MODES, NAMES, NORMAL, SEEDS, SHORT, Mode, opens_sandboxes, read_marker
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
class Left:
    """What of a case does not run in some modes; see tests/case_modes.py."""

    modes: tuple[str, ...]
    test: str | None
    """None: all of it."""
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One test file that covers rows."""

    path: str
    """From the root of the repository."""
    claim: str
    rows: tuple[str, ...]
    twin: Twin = Twin()
    has_bodies: bool = False
    """Without any it runs in no mode but the normal one: nothing would be different."""
    opens_sandboxes: bool = False
    """Without any it does not run in the simulator."""
    left: tuple[Left, ...] = ()

    def runs_in(self, mode: Mode) -> bool:
        """At least a part of it does."""
        is_left = any(mode.name in left.modes and left.test is None for left in self.left)
        return self.has_bodies and (self.opens_sandboxes or not mode.needs_sandboxes) and not is_left


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
    path_ = path.relative_to(root).as_posix()
    return Case(
        path=path_,
        claim=claim,
        rows=rows,
        twin=read_twin(tree),
        has_bodies=has_bodies(tree),
        opens_sandboxes=opens_sandboxes(tree),
        left=read_left(tree),
    )


def read_twin(tree: ast.Module) -> Twin:
    """Whether the file has a twin, and what its marks except from it."""
    if not has_bodies(tree):
        return Twin(exists=False, exceptions=("it has no body",))
    marks = _marks(tree)
    of_module = [mark for name, mark in marks if name is None]
    of_tests = [(name, mark) for name, mark in marks if name is not None]
    none = [reason for mark in of_module for reason in _reasons(mark, "def_only")]
    steps = [f"the functions of its steps stay def: {reason}" for mark in of_module for reason in _reasons(mark, "def_steps")]
    tests = [f"`{name}`: {reason}" for name, mark in of_tests for reason in _reasons(mark, "def_only")]
    fails = [f"`{name}` fails as async: {reason}" for name, mark in of_tests for reason in _reasons(mark, "async_fails")]
    return Twin(exists=not none, exceptions=(*none, *steps, *tests, *fails))


def read_left(tree: ast.Module) -> tuple[Left, ...]:
    """In which modes the file, or a test of it, does not run, and why."""
    read = [(name, read_marker(mark)) for name, mark in _marks(tree)]
    return tuple(Left(modes=marker.without, test=name, why=marker.reason) for name, marker in read if marker is not None)


def _marks(tree: ast.Module) -> list[tuple[str | None, ast.expr]]:
    """The marks of the module, whose name is None, and of its tests."""
    found: list[tuple[str | None, ast.expr]] = []
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=ast.List(elts=marks)):
                found.extend((None, mark) for mark in marks)
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=mark):
                found.append((None, mark))
            case ast.FunctionDef(name=name, decorator_list=marks):
                found.extend((name, mark) for mark in marks)
            case _:
                pass
    return found


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
            links = "<br>".join(_link(case) for case in by_row.get(row.id, []))
            sentence = row.sentence.replace("|", "\\|").replace("<", "&lt;")
            out.append(f"| `{row.id}` {sentence} | {links or '**nothing**'} |")
    own = [case for case in by_path.values() if case.path.startswith("tests/cases/")]
    return "\n".join([*out, *_twins(own), *_modes(own)]) + "\n"


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
        *(f"| {_link(case)} | {'<br>'.join(case.twin.exceptions)} |" for case in found if case.twin.exceptions),
    ]


def _modes(found: list[Case]) -> list[str]:
    without = sum(not case.has_bodies for case in found)
    return [
        "",
        "## In every mode",
        "",
        "What a user sees of a run is the same however its slices are cut. So the same files, and their async twins, run in more modes",
        f"than the normal one ([case_modes](../../tests/case_modes.py)), but for the {without} that have no body. In the simulator",
        f"run those that open a Sandbox, with {SHORT} seed in `make test` and with {len(SEEDS)} in `make test-all`.",
        "",
        "| mode | what is different | files | of these as async, too |",
        "|---|---|---|---|",
        f"| `{NORMAL}` | nothing | {len(found)} | {sum(case.twin.exists for case in found)} |",
        *(
            f"| `{mode.name}` | {mode.does} | {len(running)} | {sum(case.twin.exists for case in running)} |"
            for mode in MODES
            for running in [[case for case in found if case.runs_in(mode)]]
        ),
        "",
        "These have bodies and do not run in all of them, or not wholly:",
        "",
        "| file | not in | why |",
        "|---|---|---|",
        *(
            f"| {_link(case)} | {', '.join(f'`{mode}`' for mode in NAMES if mode in left.modes)} | "
            f"{'' if left.test is None else f'`{left.test}`: '}{left.why} |"
            for case in found
            for left in case.left
        ),
    ]


def _link(case: Case) -> str:
    return f"[{Path(case.path).stem.removeprefix('test_')}](../../{case.path})"


def main() -> None:
    PAGE.write_text(page(cases()), encoding="utf-8")


if __name__ == "__main__":
    main()
