"""What the demo shows at its end: tables of what ran, the count that matters, and what to try next."""

import os
import shutil
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median

from rich import box
from rich.console import Console
from rich.table import Table

from examples.github.audit import Audit
from examples.github.pace import SECONDS
from examples.github.state import History
from milepost import RunStatus

_MS = timedelta(milliseconds=1)


def show(console: Console, found: Audit, history: Sequence[History], events: int, state_file: str) -> None:
    """Print everything."""
    console.print()
    console.print(_functions(found, history))
    console.print()
    console.print(_totals(found, history, events))
    if found.problems:
        console.print(f"[bold red]  {len(found.problems)} things are wrong:[/]")
        for problem in found.problems[:20]:
            console.print(f"    {problem}", markup=False)
    _what_next(console, history, state_file)


def _functions(found: Audit, history: Sequence[History]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("  function", no_wrap=True)
    table.add_column("runs", justify="right")
    table.add_column("ended as")
    table.add_column("steps", justify="right")
    table.add_column("time per step", justify="right")
    for function in sorted({function for function, _ in found.runs}):
        runs = {status: number for (name, status), number in sorted(found.runs.items()) if name == function}
        ends = ", ".join(f"{number} {status}" for status, number in runs.items())
        own = [one for one in history if one.run.function == function]
        steps = sum(len(one.steps) for one in own)
        table.add_row(f"  {function}", str(sum(runs.values())), ends, str(steps), _time_per_step(own))
    return table


def _time_per_step(history: Sequence[History]) -> str:
    """The median of the steps that call something; of sleeps and waits it would say how long they were told to last."""
    times = [
        (step.ended_at - step.started_at) / _MS
        for one in history
        for step in one.steps
        if step.kind == "run" and step.ended_at is not None and step.attempts == 1
    ]
    return f"{median(times):.0f} ms" if times else "·"


def _totals(found: Audit, history: Sequence[History], events: int) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(justify="right", min_width=7)
    table.add_column()
    table.add_row(str(events), "webhooks sent" if found.problems else "webhooks sent, each accepted once")
    table.add_row(str(len(history)), "runs")
    table.add_row(str(found.steps), "steps recorded")
    table.add_row(str(found.calls), f"calls to the pretended services, which take {SECONDS.latency / _MS:.0f} ms or more")
    table.add_row(str(found.refused), "calls that flaky services refused, all but one tried again")
    table.add_row(str(len(found.interrupted)), "attempts interrupted by kill -9, and made again")
    style = "bold red" if found.repeated else "bold green"
    table.add_row(f"[{style}]{len(found.repeated)}[/]", f"[{style}]recorded steps executed again[/]")
    return table


def _what_next(console: Console, history: Sequence[History], state_file: str) -> None:
    run = next((one.run.id for one in history if one.run.function == "deploy" and one.run.status is RunStatus.FAILED), history[0].run.id)
    console.print("\n  Try next:")
    milepost = "milepost" if shutil.which("milepost") else os.path.relpath(Path(sys.executable).with_name("milepost"))
    commands = {
        f"{milepost} runs --state {state_file}": "all runs",
        f"{milepost} show {run[:8]} --state {state_file}": "the deployment that failed, step by step",
        f"{milepost} dev examples.github.app:app": "the same app at its usual pace, with your own events",
        "docs/tutorial.md": "a function of your own",
    }
    width = max(map(len, commands))
    for command, what in commands.items():
        console.print(f"    [cyan]{command:<{width}}[/]  {what}", highlight=False)
    console.print()
