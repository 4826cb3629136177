"""`python -m benchmarks.peers`: one table of us and our peers, in the same harness, by turns."""

import argparse
import signal
import statistics
import sys
from collections.abc import Sequence

from benchmarks.disk import FAST_MS
from benchmarks.figures import Figure, Result, at_most, number
from benchmarks.machine import Machine, machine
from benchmarks.pages import PAGE, keep, markdown, show, write_part
from benchmarks.peers.contest import FIGURES, Amounts, Standing, contest

TARGET = "make bench-peers"
RESTATE_RATIO = at_most(0.3)
"""Of W1: ours to Restate's in the same rounds."""


def main(arguments: Sequence[str]) -> None:
    """Install, measure, show."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description="Measure Milepost and its peers by turns.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--patience", type=float, default=15, help="seconds that each figure waits for a fast disk at most; 15")
    parser.add_argument("--write", action="store_true", help="keep the figures in build/bench and docs/benchmarks.md")
    asked = parser.parse_args(arguments)
    standings = contest(asked.rounds, Amounts(), asked.patience)
    command = TARGET if asked.write else " ".join(["python -m benchmarks.peers", *arguments])
    where = machine()
    show(f"{command}: {where.text()}", headings(standings), rows(standings))
    for line in notes(standings):
        print(line)
    if asked.write:
        keep("peers", {"command": command, "machine": where, "standings": standings})
        write_part(PAGE, TARGET, page(command, where, standings))


def headings(standings: Sequence[Standing]) -> list[str]:
    return ["figure", *(standing.entrant.name for standing in standings)]


def rows(standings: Sequence[Standing]) -> list[list[str]]:
    """Each figure with the F beside it, then the ratios to Restate."""
    found = [[f"{figure.what}, {figure.unit}", *(_cell(standing, figure.key) for standing in standings)] for figure in FIGURES]
    return [*found, *(_ratios(standings, figure) for figure in FIGURES)]


def _cell(standing: Standing, key: str) -> str:
    if standing.missing:
        return "not installed"
    result = standing.results.get(key)
    if result is None:
        return ""
    f = f" (F {result.f_ms:.2f})" if standing.entrant.is_durable else ""
    return f"{number(result.value)}{f}{'' if result.is_judged else ', not judged'}"


def _ratios(standings: Sequence[Standing], figure: Figure) -> list[str]:
    """How many times as fast as Restate, in the same rounds."""
    [restate] = [standing for standing in standings if standing.entrant.name == "Restate"]
    return [f"{figure.what.partition(':')[0]} beside Restate, as fast", *(_ratio(standing, restate, figure) for standing in standings)]


def _ratio(standing: Standing, restate: Standing, figure: Figure) -> str:
    mine, its = standing.results.get(figure.key), restate.results.get(figure.key)
    if mine is None or its is None:
        return ""
    share = _share(mine, its)
    text = f"{number(share if figure.unit == 'steps/s' else 1 / share)} times"
    if figure.key != "w1" or not standing.entrant.is_ours:
        return text
    return f"{text} (ratio {number(share)}, target {RESTATE_RATIO.text()}: {_verdict(share, mine, its)})"


def _share(mine: Result, its: Result) -> float:
    """The median of the rounds' own ratios: what slowed a round slowed both."""
    return statistics.median(one.value / other.value for one, other in zip(mine.samples, its.samples, strict=True))


def _verdict(share: float, mine: Result, its: Result) -> str:
    if not (mine.is_judged and its.is_judged):
        return "not judged"
    return "met" if RESTATE_RATIO.is_met(share, 0) else "missed"


def notes(standings: Sequence[Standing]) -> list[str]:
    """Who was measured, as what."""
    return [
        f"- {standing.entrant.name}: {standing.missing or f'{standing.version}. {standing.settings}'}"
        for standing in standings
        if standing.missing or standing.entrant.name != "Milepost, async"
    ]


def page(command: str, where: Machine, standings: Sequence[Standing]) -> str:
    """What docs/benchmarks.md shows."""
    rounds = max((len(result.samples) for standing in standings for result in standing.results.values()), default=0)
    head = f"`{command}`: {where.text()}. Median of {rounds} rounds; F in milliseconds; not judged above {FAST_MS}."
    return "\n\n".join([head, markdown(headings(standings), rows(standings)), "\n".join(notes(standings))])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))  # so that the engines end, too
    main(sys.argv[1:])
