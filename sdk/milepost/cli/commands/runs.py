"""`milepost runs`."""

from datetime import UTC, datetime, timedelta
from typing import Final

import click
from rich.text import Text

from milepost.cli.clouds import Cloud, Place
from milepost.cli.columns import print_columns
from milepost.cli.options import ago, on_a_cloud
from milepost.cli.output import STYLES, console, write_json
from milepost.cli.reading import records_of, run_shape
from milepost.cli.shapes import RunShape
from milepost.cli.state import cloud_at
from milepost.dev.pending import Waiting, waiting_for
from milepost.dev.words import clock, relative, short_id, shorten, span
from milepost.engine.reading import RunsQuery
from milepost.engine.records import Header
from milepost.runs import RunStatus

_LOOKED_AT: Final = 100
"""Runs of which the list says what they wait for: each costs a query."""


@click.command("runs")
@click.option("--function", "-f", metavar="NAME", help="Only this function's.")
@click.option("--status", "-s", type=click.Choice([status.value for status in RunStatus]), help="Only those of this status.")
@click.option("--since", callback=ago, metavar="TIME", help="Begun at this time or later: 2026-12-24T18:00, or 2h for two hours ago.")
@click.option("--until", callback=ago, metavar="TIME", help="Begun before this time.")
@click.option("--limit", "-n", type=click.IntRange(1, 100_000), default=25, show_default=True, help="At most so many.")
@on_a_cloud
def command(
    function: str | None, status: str | None, since: datetime | None, until: datetime | None, limit: int, place: Place, as_json: bool
) -> None:
    """List runs, newest first.

    \b
    milepost runs --status failed --since 1d
    milepost runs --function fulfil_order --json
    """  # noqa: D301 - \b is what click keeps lines by
    with cloud_at(place) as client:
        query = RunsQuery(
            function=function, status=None if status is None else RunStatus(status), since=since, until=until, limit=limit + 1
        )
        client.client.runs(RunsQuery(function=function, limit=1))  # says when there is no such function
        now = datetime.now(UTC)
        headers = client.client.reader.headers(query)
        shapes = [run_shape(client, header, now) for header in headers]
        idle = client.idle
        waits = {} if as_json else {header.run: _waits(client, header, now) for header in headers[:_LOOKED_AT]}
    if as_json:
        write_json(shapes[:limit])
        return
    _print(shapes[:limit], waits, has_more=len(shapes) > limit, now=now)
    _print_end(shapes, status or function or since or until, idle)


def _print(shapes: list[RunShape], waits: dict[str, Waiting | None], *, has_more: bool, now: datetime) -> None:
    screen = console()
    rows = [
        (
            short_id(one.id),
            Text(one.status, STYLES[one.status]),
            one.function,
            clock(one.created_at, now) + (f" ({relative(one.created_at, now)})" if screen.width >= 110 else ""),
            span(timedelta(milliseconds=one.duration_ms)) if one.ended_at is not None else Text("…", "dim"),
            Text(_note(one, waits.get(one.id), is_narrow=screen.width < 110), "dim"),
        )
        for one in shapes
    ]
    if rows:
        header = ("run", "status", "function", "began", "took", "")
        print_columns(screen, rows, header=header, shrink={2: 16}, right=(4,))
    if has_more:
        screen.print(f"... and more: --limit {len(shapes) * 4} shows them", style="dim")


def _waits(client: Cloud, header: Header, now: datetime) -> Waiting | None:
    """What a run that waits waits for first."""
    if header.status is not RunStatus.WAITING:
        return None
    found = waiting_for(header, records_of(client, header.run), now)
    return found[0] if found else None


def _note(one: RunShape, waiting: Waiting | None, *, is_narrow: bool) -> str:
    if waiting is not None:
        return waiting.brief if is_narrow else waiting.words
    if one.error is not None:
        return shorten(f"{one.error.type.rpartition('.')[2]}: {one.error.message}", 200)
    if one.reason is not None:
        return shorten(one.reason, 200)
    if one.parent is not None:
        return f"child of {short_id(one.parent)}"
    if one.rerun_of is not None:
        return f"rerun of {short_id(one.rerun_of)}"
    if one.subject is not None:
        return f"for {short_id(one.subject)}"
    return one.event


def _print_end(shapes: list[RunShape], filtered: object, idle: str) -> None:
    screen = console()
    if not shapes:
        screen.print("no run fits" if filtered else "there are no runs yet: milepost send EVENT JSON starts some")
    if any(not one.status.is_terminal for one in shapes) and idle:
        screen.print(idle, style="yellow")
