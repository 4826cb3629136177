"""Where figures are kept and shown: JSON under build/bench, tables on the screen, and the parts of docs/ that are
written by the commands themselves, between two comments that name the command.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.disk import FAST_MS
from benchmarks.figures import Result, Sample, number
from benchmarks.machine import BUILD, ROOT, Machine

PAGE: Final = ROOT / "docs" / "benchmarks.md"
README: Final = ROOT / "README.md"


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A figure in a JSON file."""

    key: str
    what: str
    unit: str
    value: float
    f_ms: float
    target: str
    verdict: str
    samples: Sequence[Sample]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All that one command has measured."""

    command: str
    machine: Machine
    figures: Sequence[Kept]


def report(command: str, machine: Machine, results: Sequence[Result]) -> Report:
    """The results as they are kept."""
    return Report(command=command, machine=machine, figures=[_kept(result) for result in results])


def _kept(result: Result) -> Kept:
    figure = result.figure
    return Kept(
        key=figure.key,
        what=figure.what,
        unit=figure.unit,
        value=result.value,
        f_ms=result.f_ms,
        target="" if figure.target is None else figure.target.text(),
        verdict=result.verdict,
        samples=result.samples,
    )


HEADINGS: Final = ("figure", "measured", "target", "", "F, ms", "rounds")


def lines(found: Report) -> list[tuple[str, ...]]:
    """The table, without its head."""
    return [
        (
            kept.what,
            f"{number(kept.value)} {kept.unit}".strip(),
            f"{kept.target} {kept.unit}".strip() if kept.target else "",
            kept.verdict,
            f"{kept.f_ms:.2f}",
            str(len(kept.samples)),
        )
        for kept in found.figures
    ]


def show(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """On the screen."""
    table = Table(*headings, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    Console(width=150).print(table)


def keep(name: str, content: object) -> Path:
    """As JSON under build/bench."""
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"{name}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
    return path


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of docs/."""
    head = [f"| {' | '.join(headings)} |", "|---" * len(headings) + "|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def measured(found: Report) -> str:
    """What docs/benchmarks.md shows of a report."""
    note = (
        f"F is the median of fdatasync, measured before and after each round; figures on a disk with F above {FAST_MS} ms are not judged."
    )
    return f"`{found.command}`: {found.machine.text()}. {note}\n\n{markdown(HEADINGS, lines(found))}"


_FRONT: Final = (
    ("ten steps in sequence, each", "w1.def", "w1.async"),
    ("a hundred parallel steps and a join (`step.map`, `asyncio.gather`)", "w3.map", "w3.gather"),
    ("500 runs of five steps at once", "w4.def", "w4.async"),
    ("start after `kill -9`, to the end of the run", "w6", ""),
)


def summary(found: Report) -> str:
    """What README shows: a few figures, of those that a fast disk allows to judge."""
    judged = {kept.key: kept for kept in found.figures if kept.verdict != "not judged"}
    rows = [[what, *(_in_short(judged.get(key)) for key in keys)] for what, *keys in _FRONT if judged.keys() & {*keys}]
    if not rows:
        return f"When it was last measured, an `fdatasync` took more than {FAST_MS} ms, and nothing was judged."
    f_ms = max(judged[key].f_ms for _, *keys in _FRONT for key in keys if key in judged)
    where = found.machine
    note = f"{where.measured_at}, {where.cores} cores, Python {where.python}; all on a disk whose `fdatasync` takes {f_ms:.2f} ms."
    return f"{markdown(['what', '`def`', '`async def`'], rows)}\n\n{note}"


def _in_short(kept: Kept | None) -> str:
    return "" if kept is None else f"{number(kept.value)} {kept.unit}"


def write_part(page: Path, part: str, text: str) -> None:
    """Replace what stands between the comments of this name. Raises ValueError when the page has no such place."""
    whole = page.read_text(encoding="utf-8")
    place = re.compile(rf"(<!-- written by {re.escape(part)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if len(place.findall(whole)) != 1:
        raise ValueError(f"{page} has no place, or several, for what {part!r} writes")
    page.write_text(place.sub(lambda match: f"{match[1]}\n{text}\n\n{match[2]}", whole), encoding="utf-8")
