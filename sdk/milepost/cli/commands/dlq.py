"""`milepost dlq`."""

from datetime import UTC, datetime

import click
from rich.text import Text

from milepost.cli.clouds import Place
from milepost.cli.columns import print_columns
from milepost.cli.exits import CliError, Exit
from milepost.cli.options import on_a_cloud
from milepost.cli.output import console, write_json
from milepost.cli.shapes import Resumed
from milepost.cli.state import cloud_at
from milepost.dev.words import compact, relative, several


@click.group("dlq")
def command() -> None:
    """Messages that were given up after eight deliveries: the worker died over them, or a bug of milepost kept them back."""


@command.command("list")
@click.option("--limit", "-n", type=click.IntRange(1, 100_000), default=25, show_default=True, help="At most so many.")
@on_a_cloud
def list_(limit: int, place: Place, as_json: bool) -> None:
    """List dead letters, oldest first. They stay where they are."""
    with cloud_at(place) as cloud:
        shapes = cloud.letters(limit)
    if as_json:
        write_json(shapes)
        return
    screen, now = console(), datetime.now(UTC)
    rows = [
        (one.id, relative(one.dead_at or one.sent_at, now), str(one.deliveries), Text(compact(bytes(one.body).decode(), 300), "dim"))
        for one in shapes
    ]
    if rows:
        when = "given up" if place.stage is None else "sent"
        print_columns(screen, rows, header=("message", when, "deliveries", "body"), right=(2,))
        screen.print(f"milepost dlq resume --all{place.option} sends them again", style="dim")
    else:
        screen.print("no message was given up")


@command.command("resume")
@click.argument("messages", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All of them.")
@on_a_cloud
def resume(messages: tuple[str, ...], is_all: bool, place: Place, as_json: bool) -> None:
    """Send dead letters again, MESSAGES by their ids as `dlq list` shows them."""
    if bool(messages) is is_all:
        raise click.UsageError("name messages, or give --all")
    with cloud_at(place) as cloud:
        resumed = cloud.resume_letters(None if is_all else messages)
        idle = cloud.idle
    if missing := [one for one in messages if one not in resumed]:
        names = ", ".join(repr(one) for one in missing)
        raise CliError(
            f"no dead letter {names}; {several(len(resumed), 'message')} sent again",
            hint=f"milepost dlq list{place.option} shows those that there are",
            code=Exit.NOT_FOUND,
        )
    if as_json:
        write_json(Resumed(resumed))
        return
    screen = console()
    screen.print(f"{several(len(resumed), 'message')} sent again")
    if resumed and idle:
        screen.print(idle, style="yellow")
