"""What cancel, pause, resume and rerun say when they are done."""

from milepost.cli.clouds import Cloud, Place
from milepost.cli.output import console, write_json
from milepost.cli.shapes import Acted
from milepost.dev.words import short_id


def done(verb: str, cloud: Cloud, run: str, place: Place, *, as_json: bool, rerun_of: str | None = None) -> None:
    """One line, or one document."""
    header = cloud.client.reader.header(run)
    if as_json:
        write_json(Acted(run=run, function=header.function, status=header.status, worker=cloud.pid, stage=place.stage, rerun_of=rerun_of))
        return
    screen = console()
    again = "" if rerun_of is None else f", a rerun of {short_id(rerun_of)}"
    screen.print(f"{verb} {short_id(run)} of {header.function}{again}")
    if cloud.idle:
        screen.print(f"  {cloud.idle}", style="yellow")
    else:
        screen.print(f"  milepost show {short_id(run)}{place.option}", style="dim")
