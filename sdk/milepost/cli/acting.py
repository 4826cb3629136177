"""What cancel, pause, resume and rerun say when they are done."""

from pathlib import Path

from milepost.cli.output import console, write_json
from milepost.cli.shapes import Acted
from milepost.cli.state import note_idle, worker_pid
from milepost.dev.words import short_id
from milepost.local.cloud import FileClient


def done(verb: str, client: FileClient, run: str, state: Path, *, as_json: bool, rerun_of: str | None = None) -> None:
    """One line, or one document."""
    header = client.client.reader.header(run)
    pid = worker_pid(state)
    if as_json:
        write_json(Acted(run=run, function=header.function, status=header.status, worker=pid, rerun_of=rerun_of))
        return
    screen = console()
    again = "" if rerun_of is None else f", a rerun of {short_id(rerun_of)}"
    screen.print(f"{verb} {short_id(run)} of {header.function}{again}")
    if pid is None:
        screen.print(f"  {note_idle(pid)}", style="yellow")
    else:
        screen.print(f"  milepost show {short_id(run)}", style="dim")
