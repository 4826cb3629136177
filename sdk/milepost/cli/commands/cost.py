"""`milepost cost`."""

from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from milepost.app import App
from milepost.cli.columns import print_columns
from milepost.cli.exits import CliError, Exit
from milepost.cli.options import json_option
from milepost.cli.output import STYLES, console, write_json
from milepost.costing.bill import INVOCATION_MS, MEMORY_MB, REQUEST_MS, Bill
from milepost.costing.playing import play, play_made_up, startable
from milepost.costing.prices import PRICES, REGION
from milepost.costing.scenarios import ScenarioError, load_scenario
from milepost.dev.words import several
from milepost.loading import AppNotLoaded, Trouble, load_app
from milepost.runs import RunStatus

_COMPARED: Final = "Beside it the orchestration alone: their compute, and data that they bill for, come on top."


@click.command("cost")
@click.argument("target", metavar="MODULE:APP")
@click.option("--scenario", metavar="FUNCTION", help="What to bill: MODULE:FUNCTION, FILE.py or FILE.py:FUNCTION.")
@click.option("--function", "-f", metavar="NAME", help="Only this function, with data made up.")
@click.option("--region", type=click.Choice(list(PRICES)), default=REGION, show_default=True, help="Whose prices.")
@click.option("--memory", type=click.IntRange(128, 10_240), default=MEMORY_MB, show_default=True, help="Of the worker, in MB.")
@json_option
def command(target: str, *, scenario: str | None, function: str | None, region: str, memory: int, as_json: bool) -> None:
    """Say what a million runs cost on AWS: a scenario is played in a Sandbox, metered, and multiplied by a dated price table.

    A scenario is a function of yours, `def scenario(box: Sandbox) -> None`: it sends events, advances the clock, and stubs
    what should not be called. Without one, every function that has a trigger is started with data made up; none of its steps
    is called, and nobody answers what it waits for.

    \b
    milepost cost shop:app --scenario scenarios.py:big_order
    milepost cost shop:app --function fulfil_order --json
    """  # noqa: D301 - \b is what click keeps lines by
    if scenario is not None and function is not None:
        raise click.UsageError("a scenario says itself what it starts: give --scenario or --function")
    app = _app(target)
    bills, problems = (_of_scenario(app, scenario, region, memory), []) if scenario else _of_functions(app, function, region, memory)
    if as_json:
        write_json(bills)
    elif scenario is not None or function is not None:
        _print_bill(console(), bills[0])
    else:
        _print_table(console(), bills)
    for problem in problems:
        click.echo(f"note: {problem} ({problem.hint})", err=True)


def _app(target: str) -> App:
    try:
        return load_app(target)
    except AppNotLoaded as error:
        code = Exit.USAGE if error.trouble is Trouble.TARGET else Exit.APP
        raise CliError(str(error), hint=error.hint, code=code, before=error.trace) from error


def _of_scenario(app: App, scenario: str, region: str, memory: int) -> list[Bill]:
    try:
        return [play(app, load_scenario(scenario, Path.cwd()), scenario, region=region, memory_mb=memory)]
    except ScenarioError as error:
        raise _ended(error) from error


def _of_functions(app: App, function: str | None, region: str, memory: int) -> tuple[list[Bill], list[ScenarioError]]:
    """The bills that can be made, and what is in the way of the others. Raises CliError when there is none."""
    if function is not None:
        app.definitions.function(function)
    names = [function] if function is not None else startable(app)
    bills: list[Bill] = []
    problems: list[ScenarioError] = []
    for name in names:
        try:
            bills.append(play_made_up(app, name, region=region, memory_mb=memory))
        except ScenarioError as error:
            problems.append(error)
    if problems and not bills:
        raise _ended(problems[0]) from problems[0]
    if not bills:
        raise CliError("the app has no function", hint="register one: @app.function(on=...)", code=Exit.NOT_FOUND)
    return bills, problems


def _ended(error: ScenarioError) -> CliError:
    return CliError(str(error), hint=error.hint, code=Exit.USAGE if error.is_usage else Exit.APP, before=error.trace)


def _print_bill(screen: Console, bill: Bill) -> None:
    runs = sum(bill.runs.values())
    screen.print(f"a million times {bill.scenario}: {several(runs, 'run')} each, ", _stands(bill), sep="")
    rows = [(line.service, line.what, _count(line.count), _price(line.price), _dollars(line.dollars)) for line in bill.lines]
    rows.append(("", "", "", "", ""))
    rows.append(("milepost", "", "", "", _dollars(bill.dollars)))
    rows += [(rival.service, rival.what, _count(rival.count), _price(rival.price), _dollars(rival.dollars)) for rival in bill.rivals]
    width = max(len(row[-1]) for row in rows)
    aligned = [(*row[:-1], row[-1].rjust(width)) for row in rows]
    print_columns(screen, aligned, header=("service", "", "each", "a million", "dollars".rjust(width)), shrink={1: 12, 0: 12}, right=(2, 3))
    _print_terms(screen, bill)


def _print_table(screen: Console, bills: list[Bill]) -> None:
    screen.print("a million runs of each function, started with data made up, its steps not called:")
    rows: list[tuple[str | Text, ...]] = [
        (bill.scenario, _stands(bill), _dollars(bill.dollars), *(_dollars(rival.dollars) for rival in bill.rivals), "") for bill in bills
    ]
    others = [rival.service.removeprefix("AWS ").removesuffix(" functions") for rival in bills[0].rivals]
    print_columns(screen, rows, header=("function", "its runs", "milepost", *others, ""), shrink={0: 16, 1: 12}, right=(2, 3, 4))
    _print_terms(screen, bills[0])
    screen.print("Write a scenario for what your runs really do: milepost cost --help", style="dim")


def _print_terms(screen: Console, bill: Bill) -> None:
    assumed = f"Assumed: {INVOCATION_MS:g} ms for an invocation and {REQUEST_MS:g} ms for each request to the table."
    screen.print(f"\nList prices of {bill.region}, {bill.prices_of}. The engine alone: the time of your steps is theirs.", style="dim")
    screen.print(assumed, style="dim")
    screen.print(_COMPARED, style="dim")


def _stands(bill: Bill) -> Text:
    words = Text()
    for number, (status, runs) in enumerate(bill.runs.items()):
        words.append(", " if number else "").append(f"{runs} {status}", STYLES[RunStatus(status)])
    return words


def _count(number: float) -> str:
    return f"{number:,.3f}".rstrip("0").rstrip(".")


def _price(dollars: float) -> str:
    whole, _, cents = f"{dollars:.4f}".rstrip("0").partition(".")
    return f"${whole}.{cents:0<2}"


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}"
