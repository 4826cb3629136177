"""Options that several commands share, and the parameters that need more than a string: times, JSON."""

import functools
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import click

from milepost.cli.clouds import Place
from milepost.cli.exits import CliError, Exit

F = TypeVar("F", bound=Callable[..., Any])

STATE_FILE: Final = Path(".milepost/state.db")


def state_option(command: F) -> F:
    """``--state PATH``."""
    return click.option(
        "--state",
        type=click.Path(path_type=Path, dir_okay=False),
        default=STATE_FILE,
        show_default=True,
        metavar="PATH",
        help="The state file.",
    )(command)


def json_option(command: F) -> F:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Write one JSON document; errors as JSON to stderr.")(command)


def common(command: F) -> F:
    """The options of every command that is a client of a state file."""
    return state_option(json_option(command))


def on_a_cloud(command: F) -> F:
    """``--stage``, ``--app``, ``--state`` and ``--json``; the first three as the parameter ``place``."""

    @functools.wraps(command)
    def placed(*args: Any, state: Path, stage: str | None, app: str | None, **kwargs: Any) -> Any:
        return command(*args, place=Place(state=state, stage=stage, app=app), **kwargs)

    stage_option = click.option("--stage", metavar="NAME", help="A deployed stage of the app on AWS, instead of the state file.")
    app_option = click.option("--app", metavar="MODULE:APP", help="The app; by default the one that `milepost dev` was last started with.")
    placed_command: F = stage_option(app_option(common(cast("F", placed))))
    return placed_command


_AGE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)", re.IGNORECASE)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def ago(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """A time in the past: ISO 8601, in the local zone when it names none, or how long ago: 10m, 2h, 3d."""
    return None if value is None else _moment(value, -1)


def ahead(_ctx: click.Context, _param: click.Parameter, value: str | None) -> datetime | None:
    """A time to come, as `ago`: 10m is in ten minutes."""
    return None if value is None else _moment(value, 1)


def _moment(value: str, direction: int) -> datetime:
    age = _AGE.fullmatch(value.strip().removeprefix("+"))
    try:
        if age is not None:
            return datetime.now(UTC) + direction * timedelta(**{_UNITS[age[2].lower()]: float(age[1])})
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        far = "from now" if direction > 0 else "ago"
        raise click.BadParameter(
            f"{value!r} is no time: give 2026-12-24T18:00, 2026-12-24, or how long {far}: 90s, 10m, 2h, 3d, 1w"
        ) from error


def read_json(given: str, what: str) -> str:
    """The text of a JSON parameter: itself, the contents of @FILE, or of stdin for "-". Raises CliError that points at
    the place where it stops being JSON.
    """
    text, place = _text_of(given, what)
    try:
        json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        line = error.doc.splitlines()[error.lineno - 1] if error.doc.strip() else ""
        start = max(0, error.colno - 41)
        pointer = f"\n\n    {line[start : start + 76]}\n    {' ' * (error.colno - 1 - start)}^"
        where = f"line {error.lineno}, column {error.colno}"
        hint = f'quote it for the shell, \'{{"key": "value"}}\', or put it in a file and give @{"FILE" if place is None else place}'
        raise CliError(
            f"{what}{'' if place is None else f' ({place})'} is no JSON: {_reason(error)} at {where}{pointer}\n", hint=hint, code=Exit.USAGE
        ) from error
    return text


def _reason(error: json.JSONDecodeError) -> str:
    return "there is nothing" if not error.doc.strip() else error.msg[:1].lower() + error.msg[1:]


def _refuse_constant(name: str) -> None:
    raise CliError(f"{name} is no JSON: JSON has no number for it", hint="leave the field out, or use null", code=Exit.USAGE)


def _text_of(given: str, what: str) -> tuple[str, str | None]:
    if given == "-":
        if sys.stdin.isatty():
            click.echo(f"reading {what} from the terminal, Ctrl-D ends it", err=True)
        return sys.stdin.read(), "stdin"
    if not given.startswith("@"):
        return given, None
    path = Path(given[1:])
    try:
        return path.read_text(encoding="utf-8"), str(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CliError(f"{path} cannot be read: {reason}", hint="@PATH names a file relative to here", code=Exit.USAGE) from error
