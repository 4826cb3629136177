"""`milepost show`."""

from datetime import UTC, datetime

import click

from milepost.cli.clouds import Place
from milepost.cli.options import on_a_cloud
from milepost.cli.output import console, write_json
from milepost.cli.reading import shown_run
from milepost.cli.showing import print_run
from milepost.cli.state import cloud_at, find_run


@click.command("show")
@click.argument("run")
@click.option("--all", "whole", is_flag=True, help="All steps, also where there are more than 20 under one; and tracebacks.")
@on_a_cloud
def command(run: str, whole: bool, place: Place, as_json: bool) -> None:
    """Show one run; RUN is its id, or at least four characters of its beginning.

    A line per step: when it began after the run's birth, how long it took, its attempts if there were several, and its
    result, error, or what it waits for. STEP of `milepost rerun --from STEP` is a step's path as printed here.
    """
    with cloud_at(place) as cloud:
        now = datetime.now(UTC)
        shown = shown_run(cloud, find_run(cloud, run), now)
        idle = cloud.idle
    if as_json:
        write_json(shown)
        return
    screen = console()
    print_run(screen, shown, now, whole=whole)
    if not shown.status.is_terminal and idle:
        screen.print(f"\n{idle}", style="yellow")
