"""`milepost cancel`."""

import click

from milepost.cli.acting import done
from milepost.cli.clouds import Place
from milepost.cli.exits import CliError, Exit
from milepost.cli.options import on_a_cloud
from milepost.cli.state import cloud_at, find_run
from milepost.dev.words import short_id


@click.command("cancel")
@click.argument("run")
@click.option("--reason", metavar="TEXT", default="cancelled by request", show_default=True, help="Is kept with the run.")
@on_a_cloud
def command(run: str, reason: str, place: Place, as_json: bool) -> None:
    """Cancel a run; RUN is its id, or at least four characters of its beginning.

    It is cancelled when this returns: no step of it begins any more. on_cancel, compensations and children follow in the
    worker. A run that has ended stays as it is (exit code 1).
    """
    with cloud_at(place) as cloud:
        header = find_run(cloud, run)
        if not cloud.cancel(header.run, reason=reason):
            now = cloud.client.reader.header(header.run)
            raise CliError(
                f"run {short_id(header.run)} of {header.function} is {now.status} already: it stays as it is",
                hint=f"milepost show {short_id(header.run)}, or milepost rerun {short_id(header.run)}",
                code=Exit.FAILED,
            )
        done("cancelled", cloud, header.run, place, as_json=as_json)
