"""The cloud that a command works on, the app that may come with it, and runs by the beginning of their ids."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from milepost.app import App
from milepost.cli.clouds import Cloud, FileCloud, Place, target_of
from milepost.cli.exits import CliError, Exit
from milepost.dev.words import relative
from milepost.engine.records import Header
from milepost.loading import AppNotLoaded, Trouble, load_app
from milepost.local.cloud import FileClient
from milepost.timestamps import instant

MIN_PREFIX: Final = 4
_SHOWN: Final = 5


@contextmanager
def opened(path: Path, app: App | None = None, *, make: bool = False) -> Generator[FileClient]:
    """The state file from outside. Raises CliError when there is none (unless ``make``), StateFileError."""
    if not make and not path.exists():
        raise CliError(
            f"there is no state file {path}",
            hint="start `milepost dev MODULE:APP` here, name the file that it made: --state PATH; or a stage on AWS: --stage NAME",
            code=Exit.STATE_FILE,
        )
    with FileClient(app, path) as client:
        yield client


@contextmanager
def cloud_at(place: Place, app: App | None = None, *, make: bool = False) -> Generator[Cloud]:
    """The cloud that the user names: a stage, or a state file; ``app`` when it is loaded already. Raises CliError, as `opened`, and
    ConfigurationError and CloudError for a stage.
    """
    if place.stage is not None:
        yield _stage(place.stage, app or _deployed_app(place))
        return
    given = app if app is not None or place.app is None else _loaded(place.app)
    with opened(place.state, given, make=make) as client:
        yield FileCloud(client, place.state)


def _stage(stage: str, app: App) -> Cloud:
    from milepost.aws.clients import Clients
    from milepost.cli.stage import StageCloud

    return StageCloud(app, stage, Clients())


def _deployed_app(place: Place) -> App:
    """The app whose stage is meant: its name is a part of where its names are kept, and its types of what is asked."""
    target = place.app or target_of(place.state)
    if target is None:
        raise CliError(f"stage {place.stage!r} of which app?", hint="name it: --app MODULE:APP", code=Exit.USAGE)
    return _loaded(target)


def _loaded(target: str) -> App:
    try:
        return load_app(target)
    except AppNotLoaded as error:
        code = Exit.USAGE if error.trouble is Trouble.TARGET else Exit.APP
        raise CliError(str(error), hint=error.hint, code=code, before=error.trace) from error


def app_of(place: Place) -> App | None:
    """The app to check events and input with: the given one, or the one that the state file names; None when that cannot
    be loaded, which is said on stderr. Raises CliError when a given one cannot, or that of a stage.
    """
    if place.stage is not None:
        return _deployed_app(place)
    if place.app is not None:
        return _loaded(place.app)
    target = target_of(place.state)
    if target is None:
        return None
    try:
        return load_app(target)
    except AppNotLoaded as error:
        click.echo(f"note: data are not checked, for the app is not at hand: {error}", err=True)
        return None


def find_run(cloud: Cloud, given: str) -> Header:
    """The run whose id begins so. Raises CliError: too short, none, or several."""
    prefix = given.strip().lower()
    if len(prefix) < MIN_PREFIX:
        raise CliError(
            f"{given!r} is too short to name a run: give at least {MIN_PREFIX} characters of its id",
            hint="milepost runs lists the ids",
            code=Exit.USAGE,
        )
    ids = cloud.runs_like(prefix, _SHOWN + 1) if prefix.isalnum() and prefix.isascii() else []
    if not ids:
        raise cloud.none_like(given)
    if len(ids) > 1 and prefix not in ids:
        raise CliError(_ambiguous(cloud, given, ids), hint="give more of the id", code=Exit.USAGE)
    return cloud.client.reader.header(ids[0])


def _ambiguous(cloud: Cloud, given: str, ids: list[str]) -> str:
    now = datetime.now(UTC)
    headers = [cloud.client.reader.header(run) for run in ids[:_SHOWN]]
    lines = [f"    {one.run}  {one.function}  {one.status}  {relative(instant(one.created_at), now)}" for one in headers]
    more = "\n    ..." if len(ids) > _SHOWN else ""
    return f"{given!r} is the beginning of several runs' ids:\n" + "\n".join(lines) + more
