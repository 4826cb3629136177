"""How `milepost show` looks: the header of a run, the timeline of its steps, and what went wrong, in full."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from milepost.cli.columns import print_columns
from milepost.cli.output import STYLES, can_draw
from milepost.cli.shapes import Failure, RunRef, ShownRun, StepShape
from milepost.cli.timeline import Row, rows
from milepost.dev.words import clock, compact, full, relative, several, short_id, shorten, span

BAR_FROM: Final = 104
"""Columns from which there is room for bars."""
BAR: Final = 24

_MARKS: Final = {"completed": ("✓", "+"), "failed": ("✗", "x"), "cancelled": ("⊘", "-"), "pending": ("◦", ".")}
_MARK_STYLES: Final = {"completed": "green", "failed": "red", "cancelled": "dim", "pending": "yellow"}


def print_run(screen: Console, run: ShownRun, now: datetime, *, whole: bool) -> None:
    """Print all of it. ``whole``: no step left out, and tracebacks."""
    _print_header(screen, run, now)
    if run.steps:
        screen.print()
        _print_timeline(screen, run, now, whole=whole)
    _print_errors(screen, run, whole=whole)


# ---- the header ------------------------------------------------------------------------------------------------------


def _print_header(screen: Console, run: ShownRun, now: datetime) -> None:
    screen.print(Text.assemble((run.function, "bold"), "  ", (run.status, f"bold {STYLES[run.status]}"), "  ", (run.id, "dim")))
    facts = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_edge=False, show_header=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(ratio=1, overflow="fold")
    for name, value in _facts(run, now, screen.width - 12):
        facts.add_row(f"  {name}", value)
    screen.print(facts)


def _facts(run: ShownRun, now: datetime, width: int) -> Iterable[tuple[str, str | Text]]:
    if run.event:
        yield "event", Text.assemble(run.event, "  ", (run.event_id, "dim"))
    yield "data", Text(compact(bytes(run.data).decode(), width), "dim")
    yield "began", f"{full(run.created_at)}  ({relative(run.created_at, now)})"
    if run.ended_at is not None:
        yield "took", span(timedelta(milliseconds=run.duration_ms))
    if run.attempt > 1:
        yield "attempt", f"{run.attempt} of the body"
    for name, value in (("parent", run.parent), ("rerun of", run.rerun_of), ("about", run.subject), ("reason", run.reason)):
        if value is not None:
            yield name, value
    if bytes(run.result) != b"null":
        yield "result", compact(bytes(run.result).decode(), width)
    yield from _waits(run)
    for name, runs in (("children", run.children), ("led to", run.related)):
        if runs:
            yield name, _runs(runs)


def _waits(run: ShownRun) -> Iterable[tuple[str, Text]]:
    for number, one in enumerate(run.waiting_for[:5]):
        yield "now" if number == 0 else "", Text.assemble(one.text, ("" if one.step is None else f"  {one.step}", "dim"))
    if len(run.waiting_for) > 5:
        yield "", Text(f"and {len(run.waiting_for) - 5} more", "dim")


def _runs(runs: list[RunRef]) -> Text:
    words = Text()
    for number, one in enumerate(runs[:6]):
        words.append(", " if number else "")
        words.append(f"{one.function} {short_id(one.id)} ")
        words.append(one.status, STYLES[one.status])
    return words.append(f" and {len(runs) - 6} more") if len(runs) > 6 else words


# ---- the timeline ----------------------------------------------------------------------------------------------------


def _print_timeline(screen: Console, run: ShownRun, now: datetime, *, whole: bool) -> None:
    has_bars = screen.width >= BAR_FROM and can_draw(screen)
    lines: list[tuple[Text, ...]] = []
    for row in rows(run.steps, whole=whole):
        name, at, took, note = _cells(screen, run, row, now)
        bar = (_bar(run, row.step, now),) if has_bars else ()
        lines.append((name, at, took, *bar, note))
    header = ("step", "at", "took", *([""] if has_bars else []), "")
    print_columns(screen, lines, header=header, shrink={0: 20}, right=(1, 2))


def _cells(screen: Console, run: ShownRun, row: Row, now: datetime) -> tuple[Text, Text, Text, Text]:
    indent = "  " * (row.depth + 1)
    step = row.step
    if step is None:
        return Text(f"{indent}… {row.label}", "dim"), Text(), Text(), Text()
    mark = _MARKS[step.status][0 if can_draw(screen) else 1]
    name = Text.assemble(indent, (mark, _MARK_STYLES[step.status]), " ", row.label)
    took = Text(span((step.ended_at or now) - step.started_at), "" if step.ended_at else "dim")
    return name, Text(f"+{span(step.started_at - run.created_at)}", "dim"), took, _note(run, step, now)


def _note(run: ShownRun, step: StepShape, now: datetime) -> Text:
    tries = Text(f"{step.attempts} attempts  ", "yellow") if step.kind == "run" and step.attempts > 1 else Text()
    if step.kind == "poll" and step.attempts:
        tries = Text(f"{several(step.attempts, 'check')}  ", "dim")
    if step.status == "failed" and step.error is not None:
        return tries.append(_error_words(step.error), "red")
    if step.status == "pending":
        words = next((one.text for one in run.waiting_for if one.step == step.path), "")
        return tries.append(words, "yellow")
    if step.kind == "sleep" and step.ended_at is not None:
        return tries.append(f"slept until {clock(step.ended_at, now)}", "dim")
    if step.child is not None:
        tries.append(f"run {short_id(step.child)}  ", "dim")
    if step.kind == "wait" and bytes(step.result) == b"null":
        return tries.append("nothing came in time", "dim")
    if bytes(step.result) != b"null":
        tries.append(compact(bytes(step.result).decode(), 200), "dim")
    return tries


def _error_words(error: Failure) -> str:
    return shorten(f"{error.type.rpartition('.')[2]}: {error.message}", 200)


def _bar(run: ShownRun, step: StepShape | None, now: datetime) -> Text:
    """Where the step lies in the run's time; at least one cell."""
    if step is None:
        return Text()
    begin, whole = run.created_at, max((run.ended_at or now) - run.created_at, timedelta(milliseconds=1))
    first = min(int((step.started_at - begin) / whole * BAR), BAR - 1)
    last = max(first + 1, min(round(((step.ended_at or now) - begin) / whole * BAR), BAR))
    character = "░" if step.ended_at is None or step.kind in ("sleep", "wait", "callback", "poll") else "█"
    return Text(" " * first + character * (last - first), _MARK_STYLES[step.status])


# ---- errors ----------------------------------------------------------------------------------------------------------


def _print_errors(screen: Console, run: ShownRun, *, whole: bool) -> None:
    """What the run failed with; with ``whole`` also what its steps did, though the body may have lived with that."""
    failed = [(step.path, step.error) for step in run.steps if step.error is not None and step.status == "failed"]
    cause = run.error
    if cause is not None and cause.step not in dict(failed):
        failed.append(("the body", cause))
    for path, error in failed:
        if whole or (cause is not None and path in (cause.step, "the body")):
            _print_error(screen, path, error, whole=whole)
    if failed and not whole:
        screen.print("\n--all shows tracebacks", style="dim")


def _print_error(screen: Console, path: str, error: Failure, *, whole: bool) -> None:
    name = error.type.removeprefix("builtins.")
    screen.print(Text.assemble("\n", (path, "bold"), " failed with ", (f"{name}: {error.message}", "red")))
    lines = error.traceback.rstrip().splitlines()
    for line in lines if whole else _where(lines):
        screen.print(Text(f"    {line}", "dim"), no_wrap=not whole, overflow="fold" if whole else "ellipsis")


def _where(lines: list[str]) -> list[str]:
    """The innermost frame of a traceback, and its line of code."""
    frames = [number for number, line in enumerate(lines) if line.lstrip().startswith('File "')]
    return [line.strip() for line in lines[frames[-1] : frames[-1] + 2]] if frames else []
