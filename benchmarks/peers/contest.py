"""Who is measured, in what, and how a round goes: one engine at a time, each alone on the machine, by turns."""

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from benchmarks.disk import fdatasync_ms, patient_ms
from benchmarks.figures import Figure, Result, Sample
from benchmarks.machine import BUILD, python
from benchmarks.peers.install import NotInstalled, environment_of, restate_server
from benchmarks.sides.process import SideProcess, recovery_s


class Entrant(msgspec.Struct, frozen=True, kw_only=True):
    """One column of the table."""

    name: str
    side: str
    """Its module in benchmarks/sides."""
    ways: Mapping[str, str] = {}
    """By workload, the way it is asked for; "def" where nothing stands."""
    environment: str | None = None
    """Its requirements in benchmarks/peers; None: this repository's own environment."""
    is_durable: bool = True

    @property
    def is_ours(self) -> bool:
        return self.environment is None


ENTRANTS: Final = (
    Entrant(name="Milepost, def", side="milepost_side"),
    Entrant(name="Milepost, async", side="milepost_side", ways={"w1": "async", "w3": "async", "w4": "async"}),
    Entrant(name="Restate", side="restate_side", environment="restate"),
    Entrant(name="DBOS on SQLite", side="dbos_side", environment="dbos"),
    Entrant(name="AWS durable runner, in memory", side="aws_side", environment="aws", is_durable=False),
)

FIGURES: Final = (
    Figure(key="w1", what="W1: ten steps in sequence, a step", unit="ms"),
    Figure(key="w2.marginal", what="W2: marginal cost of a step", unit="ms"),
    Figure(key="w3", what="W3: a hundred parallel and join", unit="ms"),
    Figure(key="w4", what="W4: 500 runs of five steps at once", unit="steps/s"),
    Figure(key="w6", what="W6: kill -9 after step 5 of 10, from restart to end", unit="s"),
)


Sampled: TypeAlias = Callable[[Path], AbstractContextManager[dict[str, float]]]
"""Takes values measured on this folder, with F around them."""


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything."""

    few: int = 10
    many: int = 100
    repeats: int = 15
    branches: int = 100
    fan_outs: int = 5
    runs: int = 500
    steps_each: int = 5


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What an entrant has reached."""

    entrant: Entrant
    version: str
    settings: str
    missing: str
    """Why it was not measured; nothing when it was."""
    results: Mapping[str, Result]


def contest(rounds: int, amounts: Amounts, patience_s: float) -> list[Standing]:
    """So many rounds of all; the peers that cannot be installed stay out, with the reason."""
    interpreters: dict[str, str] = {}
    missing: dict[str, str] = {}
    for entrant in ENTRANTS:
        try:
            interpreters[entrant.name] = _prepare(entrant)
        except NotInstalled as error:
            missing[entrant.name] = f"not installed: {error}"
    samples: dict[str, dict[str, list[Sample]]] = {entrant.name: {figure.key: [] for figure in FIGURES} for entrant in ENTRANTS}
    about: dict[str, dict[str, str]] = {}
    for turn in range(rounds):
        for entrant in ENTRANTS:
            if entrant.name in interpreters:
                print(f"{entrant.name}, round {turn + 1}", file=sys.stderr)
                about[entrant.name] = _round(
                    entrant, interpreters[entrant.name], amounts, partial(_sampled, samples=samples[entrant.name], patience_s=patience_s)
                )
    return [_standing(entrant, about.get(entrant.name, {}), missing.get(entrant.name, ""), samples[entrant.name]) for entrant in ENTRANTS]


def _prepare(entrant: Entrant) -> str:
    if entrant.environment is None:
        return python()
    if entrant.environment == "restate":
        os.environ["RESTATE_SERVER"] = restate_server()
    return environment_of(entrant.environment)


def _standing(entrant: Entrant, about: Mapping[str, str], missing: str, samples: Mapping[str, list[Sample]]) -> Standing:
    figures = [msgspec.structs.replace(figure, on_disk=entrant.is_durable) for figure in FIGURES]
    return Standing(
        entrant=entrant,
        version=about.get("version", ""),
        settings=about.get("settings", ""),
        missing=missing,
        results={figure.key: Result(figure=figure, samples=samples[figure.key]) for figure in figures if samples[figure.key]},
    )


def _round(entrant: Entrant, interpreter: str, amounts: Amounts, sampled: Sampled) -> dict[str, str]:
    """One entrant's; returns what it says of itself."""
    module = f"benchmarks.sides.{entrant.side}"
    ways = {figure.key: entrant.ways.get(figure.key, "def") for figure in FIGURES}
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with SideProcess(interpreter, module, folder / "running") as side:
            for do, steps in (("sequence", amounts.few), ("sequence", amounts.many)):
                side.ask(do, how=ways["w1"], steps=steps, times=2)
            side.ask("fan_out", how=ways["w3"], branches=amounts.branches, times=1)
            with sampled(folder) as take:
                few = statistics.median(side.ask("sequence", how=ways["w1"], steps=amounts.few, times=amounts.repeats))
                many = statistics.median(side.ask("sequence", how=ways["w1"], steps=amounts.many, times=amounts.fan_outs))
                take["w1"] = few / amounts.few
                take["w2.marginal"] = (many - few) / (amounts.many - amounts.few)
            with sampled(folder) as take:
                take["w3"] = statistics.median(side.ask("fan_out", how=ways["w3"], branches=amounts.branches, times=amounts.fan_outs))
            with sampled(folder) as take:
                side.ask("crowd", how=ways["w4"], runs=20, steps=amounts.steps_each)
                taken = side.ask("crowd", how=ways["w4"], runs=amounts.runs, steps=amounts.steps_each)
                take["w4"] = amounts.runs * amounts.steps_each / taken * 1000
            about = side.about
        if entrant.is_durable and not entrant.ways:  # a kill is one workload, whatever the kind of function
            with sampled(folder) as take:
                take["w6"] = recovery_s(interpreter, module, folder / "killed")
    return about


@contextmanager
def _sampled(folder: Path, *, samples: Mapping[str, list[Sample]], patience_s: float) -> Generator[dict[str, float]]:
    """Takes values, with F before and after."""
    before = patient_ms(folder, patience_s)
    taken: dict[str, float] = {}
    yield taken
    f_ms = max(before, fdatasync_ms(folder))
    for key, value in taken.items():
        samples[key].append(Sample(value, f_ms))
