"""`milepost rerun`."""

import click
import msgspec

from milepost.cli.acting import done
from milepost.cli.clouds import Place
from milepost.cli.options import on_a_cloud, read_json
from milepost.cli.state import app_of, cloud_at, find_run


@click.command("rerun")
@click.argument("run")
@click.option("--from", "from_step", metavar="STEP", help="Keep what was recorded before this step, and begin there.")
@click.option(
    "--input",
    "given",
    metavar="JSON|@FILE|-",
    help="Instead of the event's data; with --from instead of that step's arguments: [positional], {by keyword}, or the only one.",
)
@on_a_cloud
def command(run: str, from_step: str | None, given: str | None, place: Place, as_json: bool) -> None:
    """Run it again, as a run of its own; RUN is its id, or at least four characters of its beginning.

    The original stays as it is. STEP is a step's path as `milepost show` prints it: charge, prepare/0/reserve.

    \b
    milepost rerun 7k3m2a --from charge --input '["o-1", 8.50]'
    """  # noqa: D301 - \b is what click keeps lines by
    text = None if given is None else read_json(given, "the input")
    loaded = app_of(place) if text is not None and from_step is None else None
    with cloud_at(place, loaded) as cloud:
        header = find_run(cloud, run)
        again = cloud.client.rerun(header.run, from_step=from_step, input=_input(text, from_step))
        done("started", cloud, again.id, place, as_json=as_json, rerun_of=header.run)


def _input(text: str | None, from_step: str | None) -> object:
    """As the engine takes it: the event's data as text, arguments as JSON that is passed on as it is."""
    if text is None or from_step is None:
        return text
    return msgspec.Raw(text.encode())
