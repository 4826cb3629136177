"""`milepost dlq`."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.text import Text

from milepost.cli.columns import print_columns
from milepost.cli.exits import CliError, Exit
from milepost.cli.options import common
from milepost.cli.output import console, write_json
from milepost.cli.shapes import DeadLetterShape, Resent
from milepost.cli.state import note_idle, opened, worker_pid
from milepost.dev.words import compact, relative, several
from milepost.local.cloud import FileClient
from milepost.local.queue import DeadLetter
from milepost.timestamps import instant


@click.group("dlq")
def command() -> None:
    """Messages that were given up after eight deliveries: the worker died over them, or a bug of milepost kept them back."""


@command.command("list")
@click.option("--limit", "-n", type=click.IntRange(1, 100_000), default=25, show_default=True, help="At most so many.")
@common
def list_(limit: int, state: Path, as_json: bool) -> None:
    """List dead letters, oldest first."""
    with opened(state) as client:
        shapes = [_shape(letter) for letter in client.dead_letters.dead_letters(limit=limit)]
    if as_json:
        write_json(shapes)
        return
    screen, now = console(), datetime.now(UTC)
    rows = [
        (one.id, relative(one.dead_at, now), str(one.deliveries), Text(compact(bytes(one.body).decode(), 300), "dim")) for one in shapes
    ]
    if rows:
        print_columns(screen, rows, header=("message", "given up", "deliveries", "body"), right=(2,))
    else:
        screen.print("no message was given up")
    if shapes:
        screen.print("milepost dlq resend --all sends them again", style="dim")


@command.command("resend")
@click.argument("messages", nargs=-1)
@click.option("--all", "is_all", is_flag=True, help="All of them.")
@common
def resend(messages: tuple[str, ...], is_all: bool, state: Path, as_json: bool) -> None:
    """Send dead letters again, MESSAGES by their ids: m-17."""
    if bool(messages) is is_all:
        raise click.UsageError("name messages, or give --all")
    with opened(state) as client:
        ids = _all(client) if is_all else list(messages)
        resent = [one for one in ids if _resend(client, one)]
    if as_json:
        write_json(Resent(resent))
        return
    screen = console()
    screen.print(f"{several(len(resent), 'message')} sent again")
    if resent and (words := note_idle(worker_pid(state))):
        screen.print(words, style="yellow")


def _all(client: FileClient) -> list[str]:
    ids: list[str] = []
    while page := client.dead_letters.dead_letters(after=ids[-1] if ids else None):
        ids += [letter.id for letter in page]
    return ids


def _resend(client: FileClient, message: str) -> bool:
    try:
        if client.dead_letters.resend(message):
            return True
        problem = f"no dead letter {message!r}"
    except ValueError as error:
        problem = str(error)
    raise CliError(problem, hint="milepost dlq list shows those that there are", code=Exit.NOT_FOUND)


def _shape(letter: DeadLetter) -> DeadLetterShape:
    return DeadLetterShape(
        id=letter.id,
        group=letter.group,
        deliveries=letter.deliveries,
        sent_at=instant(letter.sent_at_ms),
        dead_at=instant(letter.dead_at_ms),
        body=msgspec.Raw(letter.body.encode()),
    )
