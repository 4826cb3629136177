"""`milepost resume`."""

from pathlib import Path

import click

from milepost.cli.acting import done
from milepost.cli.exits import CliError, Exit
from milepost.cli.options import common
from milepost.cli.state import find_run, opened
from milepost.dev.words import short_id


@click.command("resume")
@click.argument("run")
@common
def command(run: str, state: Path, as_json: bool) -> None:
    """Let a paused run go on; RUN is its id, or at least four characters of its beginning.

    A run is paused when its code took another path than its history holds, when a bound was hit, or when its function is
    gone; `milepost show RUN` says why. A run that is not paused stays as it is (exit code 1).
    """
    with opened(state) as client:
        header = find_run(client, run)
        if not client.client.resume(header.run):
            now = client.client.reader.header(header.run)
            raise CliError(
                f"run {short_id(header.run)} of {header.function} is {now.status}, not paused",
                hint=f"milepost show {short_id(header.run)} says what it does; milepost runs --status paused lists those that are",
                code=Exit.FAILED,
            )
        done("resumed", client, header.run, state, as_json=as_json)
