"""The state file that a command works on, the app that may come with it, and runs by the beginning of their ids."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from milepost.app import App
from milepost.cli.exits import CliError, Exit
from milepost.dev.words import relative
from milepost.engine.records import Header
from milepost.loading import AppNotLoaded, Trouble, load_app
from milepost.local.cloud import FileClient
from milepost.local.worker_lock import worker_of
from milepost.timestamps import instant

MIN_PREFIX: Final = 4
_SHOWN: Final = 5


@contextmanager
def opened(path: Path, app: App | None = None, *, make: bool = False) -> Generator[FileClient]:
    """The state file from outside. Raises CliError when there is none (unless ``make``), StateFileError."""
    if not make and not path.exists():
        raise CliError(
            f"there is no state file {path}",
            hint="start `milepost dev MODULE:APP` here, or name the file that it made: --state PATH",
            code=Exit.STATE_FILE,
        )
    with FileClient(app, path) as client:
        yield client


def app_of(path: Path, given: str | None) -> App | None:
    """The app to check events and input with: the given one, or the one that the state file names; None when that cannot
    be loaded, which is said on stderr. Raises CliError when a given one cannot.
    """
    target = given
    if target is None and path.exists():
        with FileClient(None, path) as client:
            target = None if client.manifest is None else client.manifest.target
    if target is None:
        return None
    try:
        return load_app(target)
    except AppNotLoaded as error:
        if given is not None:
            code = Exit.USAGE if error.trouble is Trouble.TARGET else Exit.APP
            raise CliError(str(error), hint=error.hint, code=code, before=error.trace) from error
        click.echo(f"note: data are not checked, for the app is not at hand: {error}", err=True)
        return None


def worker_pid(path: Path) -> int | None:
    """The process that works on the state file."""
    return worker_of(path)


def note_idle(pid: int | None) -> str:
    """What to say when nobody works on the state file."""
    return "" if pid is not None else "no worker is running: nothing happens until `milepost dev MODULE:APP` does"


def find_run(client: FileClient, given: str) -> Header:
    """The run whose id begins so. Raises CliError: too short, none, or several."""
    prefix = given.strip().lower()
    if len(prefix) < MIN_PREFIX:
        raise CliError(
            f"{given!r} is too short to name a run: give at least {MIN_PREFIX} characters of its id",
            hint="milepost runs lists the ids",
            code=Exit.USAGE,
        )
    ids = client.catalog.runs_like(prefix, _SHOWN + 1) if prefix.isalnum() and prefix.isascii() else []
    if not ids:
        raise CliError(
            f"no run's id begins with {given!r}",
            hint="milepost runs lists the runs there are (they are kept for 30 days after their end)",
            code=Exit.NOT_FOUND,
        )
    if len(ids) > 1 and prefix not in ids:
        raise CliError(_ambiguous(client, given, ids), hint="give more of the id", code=Exit.USAGE)
    return client.client.reader.header(ids[0])


def _ambiguous(client: FileClient, given: str, ids: list[str]) -> str:
    now = datetime.now(UTC)
    headers = [client.client.reader.header(run) for run in ids[:_SHOWN]]
    lines = [f"    {one.run}  {one.function}  {one.status}  {relative(instant(one.created_at), now)}" for one in headers]
    more = "\n    ..." if len(ids) > _SHOWN else ""
    return f"{given!r} is the beginning of several runs' ids:\n" + "\n".join(lines) + more
