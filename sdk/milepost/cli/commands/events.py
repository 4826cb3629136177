"""`milepost events`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
from rich.text import Text

from milepost.cli.columns import print_columns
from milepost.cli.options import ago, common
from milepost.cli.output import STYLES, console, write_json
from milepost.cli.reading import event_shape, started
from milepost.cli.shapes import EventShape
from milepost.cli.state import opened
from milepost.dev.words import clock, compact, relative, short_id
from milepost.local.event_log import EventQuery
from milepost.timestamps import milliseconds

DATA_FROM: Final = 100
"""Columns from which there is room for the data."""


@click.command("events")
@click.option("--name", metavar="EVENT", help="Only events of this name.")
@click.option("--since", callback=ago, metavar="TIME", help="Accepted at this time or later: 2026-12-24T18:00, or 2h for two hours ago.")
@click.option("--limit", "-n", type=click.IntRange(1, 100_000), default=25, show_default=True, help="At most so many.")
@common
def command(name: str | None, since: datetime | None, limit: int, state: Path, as_json: bool) -> None:
    """List events, newest first, with the runs that each started: those that the bus has accepted.

    A state file keeps all of them; in a stage on AWS nobody does.

    \b
    milepost events --name shop/order.placed --since 1h
    """  # noqa: D301 - \b is what click keeps lines by
    with opened(state) as client:
        query = EventQuery(name=name, since_ms=None if since is None else milliseconds(since))
        logged = client.events.page(query, limit=limit + 1)
        runs = started(client, [(event.name, event.id) for event in logged[:limit]])
        shapes = [event_shape(event, runs.get(event.id, [])) for event in logged[:limit]]
    if as_json:
        write_json(shapes)
        return
    _print(shapes, has_more=len(logged) > limit)
    if not shapes:
        words = f"no event {name!r} was accepted" if name is not None else "no event was accepted"
        console().print(words + (" since then" if since is not None else " yet: milepost send EVENT JSON sends one"))


def _print(shapes: list[EventShape], *, has_more: bool) -> None:
    screen, now = console(), datetime.now(UTC)
    rows: list[tuple[str | Text, ...]] = [
        (
            clock(one.at, now) + (f" ({relative(one.at, now)})" if screen.width >= 110 else ""),
            one.name,
            _runs(one),
            *([Text(compact(bytes(one.data).decode(), 300), "dim")] if screen.width >= DATA_FROM else []),
        )
        for one in shapes
    ]
    if rows:
        header = ("accepted", "event", "started", "data")[: len(rows[0])]
        print_columns(screen, rows, header=header, shrink={1: 18, 2: 30} if len(header) == 4 else {1: 18})
    if has_more:
        screen.print(f"... and more: --limit {len(shapes) * 4} shows them", style="dim")


def _runs(event: EventShape) -> Text:
    if not event.runs:
        return Text("nothing", "dim")
    words = Text()
    for number, one in enumerate(event.runs):
        words.append(", " if number else "")
        words.append(one.function)
        words.append(f" {short_id(one.id)}", STYLES[one.status])
    return words
