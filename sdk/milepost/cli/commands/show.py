"""`milepost show`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from milepost.cli.options import common
from milepost.cli.output import console, write_json
from milepost.cli.reading import shown_run
from milepost.cli.showing import print_run
from milepost.cli.state import find_run, note_idle, opened, worker_pid


@click.command("show")
@click.argument("run")
@click.option("--all", "whole", is_flag=True, help="All steps, also where there are more than 20 under one; and tracebacks.")
@common
def command(run: str, whole: bool, state: Path, as_json: bool) -> None:
    """Show one run; RUN is its id, or at least four characters of its beginning.

    A line per step: when it began after the run's birth, how long it took, its attempts if there were several, and its
    result, error, or what it waits for. STEP of `milepost rerun --from STEP` is a step's path as printed here.
    """
    with opened(state) as client:
        now = datetime.now(UTC)
        shown = shown_run(client, find_run(client, run), now)
    if as_json:
        write_json(shown)
        return
    screen = console()
    print_run(screen, shown, now, whole=whole)
    if not shown.status.is_terminal and (words := note_idle(worker_pid(state))):
        screen.print(f"\n{words}", style="yellow")
