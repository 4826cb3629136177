"""`milepost send`."""

import time
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from milepost.app import App
from milepost.cli.clouds import Cloud, Place
from milepost.cli.columns import print_columns
from milepost.cli.exits import CliError, Exit
from milepost.cli.options import ahead, on_a_cloud, read_json
from milepost.cli.output import STYLES, console, write_json
from milepost.cli.reading import started
from milepost.cli.shapes import RunRef, Sent
from milepost.cli.state import app_of, cloud_at
from milepost.dev.words import short_id, until
from milepost.engine.patterns import parse_json
from milepost.errors import EventError
from milepost.events import EventType
from milepost.fields import fields_of
from milepost.local.routing import routes_of, started_by


@click.command("send")
@click.argument("event")
@click.argument("data", metavar="JSON|@FILE|-", default="{}")
@click.option("--id", "event_id", metavar="ID", help="An id of your own: the same id starts nothing twice.")
@click.option("--at", callback=ahead, metavar="TIME", help="Not before this time: 2026-12-24T18:00, or 10m for in ten minutes.")
@on_a_cloud
def command(event: str, data: str, event_id: str | None, at: datetime | None, place: Place, as_json: bool) -> None:
    """Send an event, EVENT by name; its data are JSON, a file of it, or stdin.

    The data are checked against the event's type when the app can be imported from here. Prints the event's id and the runs
    that it starts within a second, or three in a stage.

    \b
    milepost send shop/order.placed '{"order_id": "o-1", "total": 9.50}'
    milepost send shop/order.placed @order.json --id order-1
    jq .order dump.json | milepost send shop/order.placed -
    """  # noqa: D301 - \b is what click keeps lines by
    text = read_json(data, f"the data of {event}")
    loaded = app_of(place)
    with cloud_at(place, loaded, make=loaded is not None) as client:
        raw = _checked(client, loaded, event, text)
        [entry] = client.client.entries([(client.worker.definitions.event_named(event), raw)], event_id)
        client.client.publish([entry], at=at)
        pid, idle = client.pid, client.idle
        is_later = at is not None and at > datetime.now(UTC)
        expected = None if loaded is None else len(started_by(routes_of(loaded.definitions), [entry]))
        runs = [] if idle or is_later else _born(client, event, entry.id, expected)
    sent = Sent(
        id=entry.id, name=event, at=at if is_later else None, is_checked=loaded is not None, worker=pid, stage=place.stage, runs=runs
    )
    if as_json:
        write_json(sent)
    else:
        _print(console(), sent, expected, idle, place)


def _checked(client: Cloud, app: App | None, name: str, text: str) -> str:
    """The data as they are sent. Raises CliError for an unknown event, and for data that do not fit."""
    try:
        event = client.worker.definitions.event_named(name)
    except EventError as error:
        hint = "milepost send EVENT JSON, with one of the app's events"
        raise CliError(str(error), hint=hint, code=Exit.NOT_FOUND) from error
    if not isinstance(parse_json(text), dict):
        raise CliError(f"the data of {name} are {text.strip()[:40]}, not a JSON object", hint=_fields(event, app), code=Exit.USAGE)
    if app is None:
        return text
    try:
        return event.encode(event.decode(text)).decode()
    except EventError as error:
        raise CliError(str(error), hint=_fields(event, app), code=Exit.USAGE) from error


def _fields(event: EventType[Any], app: App | None) -> str:
    fields = {} if app is None else fields_of(event.cls) or {}
    if not fields:
        return "give an object: '{\"field\": ...}'"
    return f"{event.name} has " + ", ".join(f"{name}: {_annotation(kind)}" for name, kind in fields.items())


def _annotation(kind: object) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "").replace("collections.abc.", "")


def _born(client: Cloud, name: str, event_id: str, expected: int | None) -> list[RunRef]:
    """The event's runs, as soon as all are there; when they take long those that are."""
    deadline = time.monotonic() + client.birth_s
    while True:
        runs = started(client, [(name, event_id)]).get(event_id, [])
        if (expected is not None and len(runs) >= expected) or time.monotonic() > deadline:
            return runs
        time.sleep(client.pause_s)


def _print(screen: Console, sent: Sent, expected: int | None, idle: str, place: Place) -> None:
    screen.print(f"sent {sent.name}  id {sent.id}", soft_wrap=True)
    if sent.at is not None:
        screen.print(f"  delivered at {until(sent.at, datetime.now(UTC))}")
    elif idle:
        screen.print(f"  {idle}", style="yellow")
    elif not sent.runs:
        screen.print("  it starts no function; runs that wait for it go on" if expected == 0 else "  no run has begun yet", style="dim")
    if sent.runs:
        rows = [(f"  {short_id(one.id)}", Text(one.status, STYLES[one.status]), one.function) for one in sent.runs]
        print_columns(screen, rows)
        screen.print(f"  milepost show {short_id(sent.runs[0].id)}{place.option}", style="dim")
