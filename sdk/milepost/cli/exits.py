"""How a command ends: its exit codes and its errors. An error always says what to try next."""

import sys
from enum import IntEnum
from typing import IO, Any, Final

import click
import msgspec

from milepost.errors import (
    CloudError,
    CodecError,
    ConfigurationError,
    EventError,
    FunctionNotFound,
    MilepostError,
    RunNotFound,
    StateFileError,
    StepNotFound,
    UsageError,
)


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    STATE_FILE = 4
    APP = 5
    CLOUD = 6
    INTERRUPTED = 130


EXITS: Final[dict[Exit, str]] = {
    Exit.OK: "done",
    Exit.FAILED: "it could not be done: the run has ended already, or is not paused; or a command broke off",
    Exit.USAGE: "what was given cannot be: options, JSON, an event that does not fit its type",
    Exit.NOT_FOUND: "no such run, function, event, step or dead letter",
    Exit.STATE_FILE: "no state file; or it is newer, damaged, foreign, not writable, or has another worker",
    Exit.APP: "the app cannot be loaded",
    Exit.CLOUD: "AWS refused or cannot be reached, or the stage is not deployed there",
    Exit.INTERRUPTED: "stopped by Ctrl-C before it was done",
}
"""What each code means."""


class ErrorShape(msgspec.Struct, frozen=True):
    """What `--json` writes to stderr when a command fails."""

    error: str
    """What is wrong, where."""
    hint: str
    """What to try next."""
    exit: int
    """The exit code."""


class CliError(click.ClickException):
    """Ends a command: what is wrong, what to try next, and the exit code. Written to stderr; as JSON under --json."""

    def __init__(self, message: str, *, hint: str, code: Exit, before: str = "") -> None:
        super().__init__(message)
        self.hint = hint
        self.__dict__["exit_code"] = int(code)  # click declares it of the class, and reads it of the instance
        self._before = before
        context = click.get_current_context(silent=True)
        self._as_json = context is not None and bool(context.params.get("as_json"))

    def show(self, file: IO[Any] | None = None) -> None:
        target = file or sys.stderr
        if self._as_json:
            click.echo(msgspec.json.encode(ErrorShape(self.message, self.hint, self.exit_code)), file=target)
            return
        if self._before:
            click.echo(self._before, file=target)
        colour = None if _may_colour(target) else False
        click.echo(f"{click.style('error', fg='red', bold=True)}: {self.message}", file=target, color=colour)
        click.echo(f"{click.style('try', fg='cyan')}:   {self.hint}", file=target, color=colour)


def _may_colour(target: IO[Any]) -> bool:
    import os

    return target.isatty() and not os.environ.get("NO_COLOR")


def translated(error: MilepostError) -> CliError:
    """The end that an error of milepost is."""
    message = str(error)
    match error:
        case RunNotFound():
            return CliError(message, hint="milepost runs", code=Exit.NOT_FOUND)
        case FunctionNotFound():
            return CliError(message, hint="milepost runs, without --function, lists what there is", code=Exit.NOT_FOUND)
        case StepNotFound():
            return CliError(message, hint="milepost show RUN lists its steps", code=Exit.NOT_FOUND)
        case StateFileError():
            return CliError(message, hint="--state PATH names another state file", code=Exit.STATE_FILE)
        case ConfigurationError() | CloudError():
            hint = "look at --stage and --app, and at AWS_PROFILE and AWS_REGION: aws sts get-caller-identity"
            return CliError(message, hint=hint, code=Exit.CLOUD)
        case EventError() | CodecError() | UsageError():
            return CliError(message, hint="milepost COMMAND --help shows what it takes", code=Exit.USAGE)
        case _:
            return CliError(message, hint="milepost COMMAND --help", code=Exit.FAILED)
