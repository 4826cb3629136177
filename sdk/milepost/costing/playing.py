"""Plays a scenario in a Sandbox, and makes the bill of it. Never calls a step of the user's unless he gave the scenario."""

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, TextIO

import msgspec

from milepost.codec import return_codec
from milepost.costing.bill import MEMORY_MB, Bill, lines_of, rivals_of, total_of
from milepost.costing.making_up import NothingFits, made_up
from milepost.costing.prices import PRICES, READ_ON, REGION
from milepost.costing.scenarios import HOW_TO, Scenario, ScenarioError, raised
from milepost.errors import CodecError, EventError
from milepost.functions import Definitions, FunctionDefinition, HasDefinitions, make_function
from milepost.runs import Run
from milepost.testing.sandbox import Sandbox
from milepost.testing.stubs import Stubs
from milepost.testing.usage import Usage

_PATIENCE: Final = timedelta(days=30)
_MOST_LOOKS: Final = 14
"""More than a year: the longest sleep there is."""


def play(app: HasDefinitions, scenario: Scenario, name: str, *, region: str = REGION, memory_mb: int = MEMORY_MB) -> Bill:
    """The bill of a scenario. Raises ScenarioError when it raises, and when it starts nothing."""
    with _aside(), Sandbox(app) as box:
        try:
            scenario(box)
        except Exception as error:  # whatever a user's function raises
            raise raised(f"{name} failed", error) from error
        if not box.runs():
            raise ScenarioError(f"{name} has started no run: there is nothing to bill", hint=HOW_TO, is_usage=True)
        return _bill(box, name, box.meter.usage, region, memory_mb)


def play_made_up(app: HasDefinitions, function: str, *, region: str = REGION, memory_mb: int = MEMORY_MB) -> Bill:
    """The bill of one function, started with data made up, while no step of it is called: results are made up, too. It waits in
    vain for events and answers. Raises ScenarioError when nothing of the type can be made up.
    """
    definition = app.definitions.functions[function]
    data = _data(definition)
    timeless = _Timeless(app.definitions)
    with _aside(), _Unmanned(timeless) as box:
        run = box.invoke(make_function(timeless.definitions.functions[function]), data)
        for _ in range(_MOST_LOOKS):
            if all(one.status.is_terminal for one in box.runs()):
                break
            box.advance(_PATIENCE)
        usage = box.meter.usage
        if _comes_by_our_bus(definition):
            usage = msgspec.structs.replace(usage, events=usage.events + 1)
        return _bill(box, run.view.function, usage, region, memory_mb)


def startable(app: HasDefinitions) -> list[str]:
    """The functions that something starts: those with a trigger, or all when none has one. Handlers belong to theirs."""
    functions = {name: one for name, one in app.definitions.functions.items() if not one.takes_failure}
    return [name for name, one in functions.items() if one.triggers] or list(functions)


def _aside() -> redirect_stdout[TextIO]:
    """What is logged and printed meanwhile goes to stderr: stdout is for the bill."""
    return redirect_stdout(sys.stderr)


def _comes_by_our_bus(definition: FunctionDefinition) -> bool:
    """The events of AWS's own services cost nothing, and a cron's tick is no event."""
    return bool(definition.triggers) and definition.triggers[0].cron is None and not definition.triggers[0].event.is_of_aws


def _data(definition: FunctionDefinition) -> Any:
    """What the function is started with."""
    try:
        if definition.triggers:
            event = definition.triggers[0].event
            return event.decode(msgspec.json.encode(made_up(event.cls)))
        codec = definition.data
        return None if codec is None else codec.decode(msgspec.json.encode(made_up(codec.annotation)), "the data")
    except (NothingFits, EventError, CodecError) as error:
        message = f"no event can be made up for {definition.name}: {error}"
        raise ScenarioError(message, hint=f"{HOW_TO}; then --scenario FILE.py", is_usage=True) from error


def _bill(box: Sandbox, name: str, usage: Usage, region: str, memory_mb: int) -> Bill:
    runs: list[Run[Any]] = box.runs()
    prices = PRICES[region]
    lines = lines_of(usage, prices, memory_mb=memory_mb)
    return Bill(
        scenario=name,
        region=region,
        prices_of=READ_ON.isoformat(),
        runs=dict(sorted(Counter(run.status.value for run in runs).items())),
        lines=lines,
        dollars=total_of(lines),
        rivals=rivals_of({run.id: run.steps for run in runs}, prices),
    )


class _Unmanned(Sandbox):
    """A box in which no step does anything."""

    def __init__(self, app: HasDefinitions) -> None:
        super().__init__(app)
        self._stubs = _MadeUp()


class _Timeless:
    """An app without its crons: the runs that they start as time passes are not those that are asked for."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions: Final = Definitions(definitions.app)
        for event in definitions.events.values():
            self.definitions.add_event(event, "the app")
        for function in definitions.functions.values():
            if function.name not in self.definitions.functions:  # a handler comes with the function that it belongs to
                self.definitions.add_function(_without_crons(function), "the app")


def _without_crons(definition: FunctionDefinition) -> FunctionDefinition:
    triggers = tuple(trigger for trigger in definition.triggers if trigger.cron is None)
    return definition if triggers == definition.triggers else replace(definition, triggers=triggers)


class _MadeUp(Stubs):
    """A value of its type stands in for every step's result."""

    def find(self, function: str, path: str, fn: Callable[..., Any]) -> Callable[..., Any]:
        def invented(*_args: object, **_kwargs: object) -> Any:
            codec = return_codec(fn)
            try:
                return codec.decode(msgspec.json.encode(made_up(codec.annotation)), f"a result of {path!r}")
            except NothingFits as error:
                raise ScenarioError(f"no result of step {path!r} of {function} can be made up: {error}", hint=HOW_TO) from error

        return invented
