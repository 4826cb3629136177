"""`milepost pause`."""

import click

from milepost.cli.acting import done
from milepost.cli.clouds import Place
from milepost.cli.exits import CliError, Exit
from milepost.cli.options import on_a_cloud
from milepost.cli.state import cloud_at, find_run
from milepost.dev.words import short_id


@click.command("pause")
@click.argument("run")
@click.option("--reason", metavar="TEXT", default="paused by request", show_default=True, help="Is shown with the run.")
@on_a_cloud
def command(run: str, reason: str, place: Place, as_json: bool) -> None:
    """Stop a run until it is resumed; RUN is its id, or at least four characters of its beginning.

    A step that is under way ends and is recorded, no other begins. `milepost resume RUN` lets it go on, and so does a deploy
    of new code. A run that has ended, or is paused already, stays as it is (exit code 1).
    """
    with cloud_at(place) as cloud:
        header = find_run(cloud, run)
        if not cloud.client.pause(header.run, reason=reason):
            now = cloud.client.reader.header(header.run)
            raise CliError(
                f"run {short_id(header.run)} of {header.function} is {now.status} already: it stays as it is",
                hint=f"milepost show {short_id(header.run)} says what it does",
                code=Exit.FAILED,
            )
        done("paused", cloud, header.run, place, as_json=as_json)
