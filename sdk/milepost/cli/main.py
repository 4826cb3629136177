"""The group of commands. Owns what `milepost --help` says, and loads a command only when it is called.

Never imports a command at its own import: `milepost --help` must not wait for what it does not need.
"""

import importlib
import io
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import click

from milepost.cli.exits import EXITS, Exit, translated
from milepost.errors import MilepostError

COMMANDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dev": "Run an app on this machine, and begin anew when its code changes.",
        "send": "Send an event.",
        "runs": "List runs, newest first.",
        "show": "Show one run: a timeline of its steps, and what it waits for.",
        "cancel": "Cancel a run.",
        "rerun": "Run it again, from the start or from a step.",
        "pause": "Stop a run until it is resumed.",
        "resume": "Let a paused run go on.",
        "events": "List events, newest first, with the runs that each started.",
        "cost": "Say what a million runs cost on AWS, by the meter and a dated price table.",
        "dlq": "Look at messages that were given up, and send them again.",
    }
)
"""Every command with its first line of help, in the order of the help page."""


class Commands(click.Group):
    """The commands by name, each in a module of its own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"milepost.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """A name that is nearly right is answered with the right one."""
        name = args[0]
        if not name.startswith("-") and name not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
            words = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(COMMANDS)}."
            ctx.fail(f"no command {name!r}; {words}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code.value), meaning) for code, meaning in EXITS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MilepostError as error:
            raise translated(error) from error
        except KeyboardInterrupt:
            ctx.exit(Exit.INTERRUPTED)


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if not value:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"milepost {version('milepost')}")
    except PackageNotFoundError:
        click.echo("milepost, from a source tree that is not installed")
    ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Show the version and exit.")
def cli() -> None:
    """Durable functions: run them on this machine, send them events, see what they do.

    State is kept in .milepost/ of the working directory. Commands take --json, --state PATH for another state file, and
    --stage NAME for a deployed stage on AWS.
    """


def main() -> None:
    """The console script: parse the command line, do what it says, exit with a code of `Exit`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # an old terminal shows a question mark, and goes on
    cli(prog_name="milepost")
