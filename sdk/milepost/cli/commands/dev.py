"""`milepost dev`."""

import sys
from pathlib import Path

import click

from milepost.cli.exits import CliError, Exit
from milepost.cli.options import state_option
from milepost.loading import AppNotLoaded, parse_target


@click.command("dev")
@click.argument("target", metavar="MODULE:APP")
@state_option
@click.option("--no-reload", is_flag=True, help="Do not watch the code; end when the app does not load.")
@click.option("--threads", type=click.IntRange(1, 256), default=16, show_default=True, help="Runs that are driven at once.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON lines, each with its kind: ready, run, log, note, problem.")
@click.pass_context
def command(ctx: click.Context, target: str, state: Path, *, no_reload: bool, threads: int, as_json: bool) -> None:
    """Run an app on this machine: MODULE is imported from the working directory, APP is the App in it.

    Says what it found, then a line for each move of a run. When a Python file here changes, the worker stops and begins
    anew; runs go on where they were, on the new code. State is kept in .milepost/, also over kill -9. One worker works on a
    state file; the other commands work beside it.

    \b
    milepost dev shop:app
    """  # noqa: D301 - \b is what click keeps lines by
    try:
        parse_target(target)
    except AppNotLoaded as error:
        raise CliError(str(error), hint=error.hint, code=Exit.USAGE) from error
    from milepost.dev.child import screen_of
    from milepost.dev.serving import Ended, Serving, serve

    what = Serving(target=target, state=str(state), threads=threads, as_json=as_json)
    if no_reload:
        ended = serve(what, screen_of(as_json=as_json))
        ctx.exit(Exit.APP if ended is Ended.TARGET else int(ended))
    from milepost.dev.reloading import Reloader
    from milepost.dev.sayings import Screen
    from milepost.dev.screen import JsonScreen, TextScreen, text_console

    screen: Screen = TextScreen(text_console())
    if as_json:
        screen = JsonScreen(sys.stdout)
    ctx.exit(int(Reloader(what, screen, Path.cwd()).run()))
