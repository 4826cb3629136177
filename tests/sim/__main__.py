"""`python -m tests.sim`: plays seeds, and shows what breaks a law: shrunken, and as a timeline."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import msgspec

from tests.sim.campaign import Campaign, Failed, Tally, told
from tests.sim.plan import plan_of
from tests.sim.showing import LAST, shown_seed
from tests.sim.shrink import SECONDS, Case, attempt
from tests.sim.telling import failure_text, plan_text
from tests.sim.timeline import Timeline
from tests.sim.words import span

ROOT = Path(__file__).parents[2]
DEFAULT_SEEDS = 1_000
_EVERY_S = 10.0
_SHOWN = 5
"""Failures that are shown whole; of others the seed and the law."""


def main(arguments: Sequence[str]) -> int:
    """Play what is asked for. Returns the exit status: 0 when no law was broken, 1 when one was."""
    asked = _parser().parse_args(arguments)
    if asked.plan:
        for seed in range(asked.first, asked.first + (asked.seeds or 1)):
            _say(f"seed {seed}\n{plan_text(plan_of(seed))}")
        return 0
    if asked.trace:
        return max(_trace(seed, asked) for seed in range(asked.first, asked.first + (asked.seeds or 1)))
    return _campaign(asked, arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.sim", description="Play seeds of the simulator, and show what breaks a law.")
    parser.add_argument("--from", dest="first", type=int, default=0, metavar="SEED", help="the first seed; 0")
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--seeds", type=int, help=f"so many seeds; {DEFAULT_SEEDS:,}, and 1 with --trace or --plan")
    many.add_argument("--runs", type=int, help="as many seeds as have so many runs")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes; as many as there are cores")
    parser.add_argument("--most-failures", type=int, default=20, help="stop at so many seeds that broke a law; 20")
    parser.add_argument(
        "--shrink", action=argparse.BooleanOptionalAction, default=True, help="show a smaller play that breaks the same law"
    )
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"spent on shrinking each at most; {SECONDS:g}")
    parser.add_argument("--trace", action="store_true", help="print the timeline of the seeds, whether or not they break a law")
    parser.add_argument("--all", action="store_true", help="in timelines, all runs: not only those that the failure is about")
    parser.add_argument("--last", type=int, default=LAST, help=f"lines of a timeline at most, its last ones; {LAST}")
    parser.add_argument("--plan", action="store_true", help="print the plans of the seeds, and play nothing")
    parser.add_argument("--report", type=Path, help="write what came of it to this file, as JSON")
    return parser


def _trace(seed: int, asked: argparse.Namespace) -> int:
    timeline = Timeline()
    world, failure = attempt(Case(plan=plan_of(seed)), timeline)
    if failure is None:
        _say(f"seed {seed} breaks no law\n{plan_text(world.plan)}\n{timeline.text(world, last=asked.last)}")
        return 0
    _say(failure_text(world, failure.law, failure.what, all_runs=asked.all, last=asked.last))
    return 1


def _campaign(asked: argparse.Namespace, arguments: Sequence[str]) -> int:
    seeds = None if asked.runs is not None else asked.seeds or DEFAULT_SEEDS
    campaign = Campaign(first=asked.first, seeds=seeds, runs=asked.runs, jobs=asked.jobs, most_failures=asked.most_failures)
    begun = said_at = monotonic()

    def progress(tally: Tally) -> None:
        nonlocal said_at
        if monotonic() - said_at >= _EVERY_S:
            said_at = monotonic()
            told(tally.line())

    tally = campaign.play(progress)
    _say(summary(asked.first, tally, monotonic() - begun))
    if asked.report is not None:
        asked.report.parent.mkdir(parents=True, exist_ok=True)
        asked.report.write_bytes(msgspec.json.format(msgspec.json.encode(_report(asked.first, tally, arguments, monotonic() - begun))))
    for failed in tally.failed[:_SHOWN]:
        _say(f"\n{_shown(failed, asked)}")
    if len(tally.failed) > _SHOWN:
        _say("\nalso:")
        _say("\n".join(f"  seed {failed.seed}: {failed.law}" for failed in tally.failed[_SHOWN:]))
    return 1 if tally.failed else 0


def _shown(failed: Failed, asked: argparse.Namespace) -> str:
    text = shown_seed(failed.seed, shrink=asked.shrink, seconds=asked.seconds, all_runs=asked.all, last=asked.last)
    if text is not None:
        return text
    return f"seed {failed.seed} breaks: {failed.law}\n  {failed.what}\n  and here it does not: the simulator is not deterministic"


def summary(first: int, tally: Tally, seconds: float) -> str:
    """What came of it."""
    lines = [
        ("seeds", f"{first:,} to {first + tally.seeds - 1:,}"),
        ("runs", f"{tally.runs:,}"),
        ("deliveries", f"{tally.deliveries:,}"),
        ("port calls", f"{tally.calls:,}"),
        ("faults", f"{sum(tally.faults.values()):,}: " + _counts(tally.faults)),
        ("actions", f"{sum(tally.actions.values()):,}: " + _counts(tally.actions)),
        ("virtual time", span(tally.virtual_ms)),
        ("swept", f"{tally.swept:,} runs that only the sweeper could find"),
        ("speed", f"{tally.runs_a_minute:,.0f} runs a minute on one core; {seconds:.0f} s in all"),
        ("failed", ", ".join(f"{failed.seed} ({failed.law})" for failed in tally.failed) or "none"),
    ]
    return "\n".join(f"{name:<13} {what}" for name, what in lines)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {times:,}" for name, times in counts.items())


def _report(first: int, tally: Tally, arguments: Sequence[str], seconds: float) -> dict[str, object]:
    git = subprocess.run(["git", "describe", "--always", "--dirty", "--abbrev=12"], cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "command": " ".join(["python -m tests.sim", *arguments]),
        "commit": git.stdout.strip(),
        "python": sys.version.partition(" ")[0],
        "first_seed": first,
        "last_seed": first + tally.seeds - 1,
        "seconds": round(seconds, 1),
        "runs_a_minute_on_one_core": round(tally.runs_a_minute),
        **msgspec.to_builtins(tally),
    }


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
