"""`milepost resume`."""

import click

from milepost.cli.acting import done
from milepost.cli.clouds import Place
from milepost.cli.exits import CliError, Exit
from milepost.cli.options import on_a_cloud
from milepost.cli.state import cloud_at, find_run
from milepost.dev.words import short_id


@click.command("resume")
@click.argument("run")
@on_a_cloud
def command(run: str, place: Place, as_json: bool) -> None:
    """Let a paused run go on; RUN is its id, or at least four characters of its beginning.

    A run is paused when its code took another path than its history holds, when a bound was hit, or when its function is
    gone; `milepost show RUN` says why. A run that is not paused stays as it is (exit code 1).
    """
    with cloud_at(place) as cloud:
        header = find_run(cloud, run)
        if not cloud.client.resume(header.run):
            now = cloud.client.reader.header(header.run)
            raise CliError(
                f"run {short_id(header.run)} of {header.function} is {now.status}, not paused",
                hint=f"milepost show {short_id(header.run)} says what it does; milepost runs --status paused lists those that are",
                code=Exit.FAILED,
            )
        done("resumed", cloud, header.run, place, as_json=as_json)
