"""`milepost cancel`."""

from pathlib import Path

import click

from milepost.cli.acting import done
from milepost.cli.exits import CliError, Exit
from milepost.cli.options import common
from milepost.cli.state import find_run, opened
from milepost.dev.words import short_id


@click.command("cancel")
@click.argument("run")
@click.option("--reason", metavar="TEXT", default="cancelled by request", show_default=True, help="Is kept with the run.")
@common
def command(run: str, reason: str, state: Path, as_json: bool) -> None:
    """Cancel a run; RUN is its id, or at least four characters of its beginning.

    It is cancelled when this returns: no step of it begins any more. on_cancel, compensations and children follow in the
    worker. A run that has ended stays as it is (exit code 1).
    """
    with opened(state) as client:
        header = find_run(client, run)
        if not client.cancel(header.run, reason=reason):
            now = client.client.reader.header(header.run)
            raise CliError(
                f"run {short_id(header.run)} of {header.function} is {now.status} already: it stays as it is",
                hint=f"milepost show {short_id(header.run)}, or milepost rerun {short_id(header.run)}",
                code=Exit.FAILED,
            )
        done("cancelled", client, header.run, state, as_json=as_json)
