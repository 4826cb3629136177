"""Compares what the runs recorded with what the world saw: the history of each run on one side, the ledger on the other.

What must hold, however often the worker was killed:

* every event that was sent is accepted once, and each starts its function once;
* every run has ended, and as it should;
* a step that was recorded is never executed again;
* a step was executed once, and once more for each kill that came between its call and its record. No more.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from examples.github.api import UNDONE
from examples.github.ledger import Line
from examples.github.payloads import Delivery
from examples.github.state import History
from milepost import RunStatus, StepRecord

STARTS: Final[Mapping[str, str]] = {
    "github/check_run.created": "watch_check",
    "github/check_run.rerequested": "watch_check",
    "github/deployment.created": "deploy",
    "github/issues.opened": "triage_issue",
    "github/issues.reopened": "triage_issue",
    "github/issues.transferred": "triage_issue",
    "github/pull_request.opened": "remind_reviewers",
    "github/pull_request.ready_for_review": "remind_reviewers",
    "github/pull_request.reopened": "merge_when_ready",
    "github/pull_request.synchronize": "merge_when_ready",
    "github/push": "run_pipeline",
    "github/release.prereleased": "post_checksums",
    "github/release.published": "announce_release",
    "github/release.released": "post_checksums",
    "github/repository_dispatch.on-demand-test": "star_digest",
    "github/star.created": "note_star",
    "github/star.deleted": "note_star",
}
"""Which function an event starts, said once more, and not by reading the app."""

_FOLLOWERS: Final = {"announce_release": "mirror_release", "run_pipeline": "scan_commit"}
"""Each run of the one leads to one run of the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What was on disk when the worker was killed."""

    lines: int
    """Of the ledger."""
    recorded: frozenset[str]
    """Keys of the steps that the runs had recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What was found."""

    runs: Mapping[tuple[str, RunStatus], int]
    steps: int
    """Recorded, of every kind."""
    calls: int
    """That the world saw and took; polls do not count."""
    refused: int
    """That it did not take: attempts that failed, by design of the flaky API."""
    interrupted: Sequence[str]
    """Keys of calls whose step a kill kept from being recorded: these, and no others, are made again."""
    repeated: Sequence[str]
    """Keys of calls that were made again although their step was recorded. There must be none."""
    problems: Sequence[str]
    """All that is wrong, in words."""


def crash_of(history: Sequence[History], lines: Sequence[Line]) -> Crash:
    """What is on disk now, the worker being dead."""
    return Crash(lines=len(lines), recorded=frozenset(recorded_calls(history)))


def starts(delivery: Delivery) -> str | None:
    """The function that a delivery must start; None when nobody wants it."""
    if delivery.payload.get("deleted") is True or delivery.payload.get("release", {}).get("draft") is True:
        return None
    return STARTS.get(delivery.name)


def recorded_calls(history: Sequence[History]) -> dict[str, StepRecord]:
    """The steps that have ended well, by the keys under which they called."""
    originals = {(one.run.function, one.run.event_id): one.run.id for one in history}
    found: dict[str, StepRecord] = {}
    for one in history:
        original = originals.get((one.run.function.removesuffix(".undo"), one.run.event_id), "")
        for step in one.steps:
            if step.kind == "run" and step.status == "completed":
                found |= dict.fromkeys(_keys(one.run.id, original, step), step)
    return found


def _keys(run: str, original: str, step: StepRecord) -> Iterator[str]:
    """A step calls under its path or its name; one that undoes another under that one's key."""
    if step.path.startswith("~undo/"):
        yield f"{original}/{step.path.removeprefix('~undo/')}{UNDONE}"
    else:
        yield f"{run}/{step.path}"
        yield f"{run}/{step.name}"


def audit(
    *, sent: Sequence[Delivery], accepted: Sequence[str], history: Sequence[History], lines: Sequence[Line], crashes: Sequence[Crash]
) -> Audit:
    """Compare."""
    made = [line for line in lines if line.is_call]
    recorded = recorded_calls(history)
    begins = [0, *(crash.lines for crash in crashes)]
    interrupted = [key for begin, crash in zip(begins, crashes, strict=False) for key in _interrupted(lines[begin : crash.lines], crash)]
    repeated = [line.key for crash in crashes for line in lines[crash.lines :] if line.key in crash.recorded]
    calls = Counter(line.key for line in made)
    problems = [
        *_of_events(sent, accepted),
        *_of_starts(sent, history),
        *_of_ends(sent, history),
        *(f"{key} was executed again although it was recorded" for key in repeated),
        *_of_calls(history, calls, recorded, Counter(interrupted)),
    ]
    return Audit(
        runs=Counter((one.run.function, one.run.status) for one in history),
        steps=sum(len(one.steps) for one in history),
        calls=len(made),
        refused=sum(line.is_refused for line in lines),
        interrupted=interrupted,
        repeated=repeated,
        problems=problems,
    )


def _interrupted(lines: Sequence[Line], crash: Crash) -> list[str]:
    """Calls of one worker's life whose steps were not recorded when it ended."""
    made = dict.fromkeys(line.key for line in lines if line.is_call)
    return [key for key in made if key not in crash.recorded]


def _of_events(sent: Sequence[Delivery], accepted: Sequence[str]) -> Iterator[str]:
    counted = Counter(accepted)
    yield from (f"event {delivery.id} was lost" for delivery in sent if counted[delivery.id] == 0)
    yield from (f"event {id} was accepted {number} times" for id, number in counted.items() if number > 1)


def _of_starts(sent: Sequence[Delivery], history: Sequence[History]) -> Iterator[str]:
    wanted = {(function, delivery.id) for delivery in sent if (function := starts(delivery)) is not None}
    started = Counter((one.run.function, one.run.event_id) for one in history if one.run.function in STARTS.values())
    for function, event in wanted:
        if started[function, event] != 1:
            yield f"event {event} started {function} {started[function, event]} times"
    for function, event in started:
        if (function, event) not in wanted and function != "star_digest":  # cron starts digests, too
            yield f"{function} was started by {event}, which is not for it"
    runs = Counter(one.run.function for one in history)
    for leader, follower in _FOLLOWERS.items():
        if runs[leader] != runs[follower]:
            yield f"{runs[leader]} runs of {leader} led to {runs[follower]} runs of {follower}"


def _of_ends(sent: Sequence[Delivery], history: Sequence[History]) -> Iterator[str]:
    payloads: dict[str, Any] = {delivery.id: delivery.payload for delivery in sent}
    for one in history:
        right = {RunStatus.COMPLETED}
        if one.run.function == "watch_check":
            right.add(RunStatus.CANCELLED)
        if one.run.function == "deploy" and payloads[one.run.event_id]["deployment"]["environment"] == "github-pages":
            right = {RunStatus.FAILED}
        if one.run.status not in right:
            yield f"run {one.run.id} of {one.run.function} is {one.run.status}: {one.run.error or one.run.reason or 'no error'}"
    runs = Counter((one.run.function, one.run.status) for one in history)
    failed = runs["deploy", RunStatus.FAILED]
    for follower in ("deploy.on_failure", "deploy.undo"):
        if runs[follower, RunStatus.COMPLETED] != failed:
            yield f"{failed} deployments failed, but {runs[follower, RunStatus.COMPLETED]} runs of {follower} completed"


def _of_calls(
    history: Sequence[History], calls: Mapping[str, int], recorded: Mapping[str, StepRecord], interrupted: Mapping[str, int]
) -> Iterator[str]:
    seen: set[int] = set()
    cancelled = {one.run.id for one in history if one.run.status is RunStatus.CANCELLED}
    for key, number in calls.items():
        if key in recorded:
            seen.add(id(recorded[key]))
            extra = number - 1
            if extra != interrupted.get(key, 0):
                yield f"{key} was executed {number} times, with {interrupted.get(key, 0)} interrupted"
        elif key.partition("/")[0] not in cancelled:  # a run that is cancelled in a call does not record it
            yield f"{key} was executed, and no step says so"
    for key, step in recorded.items():
        if id(step) not in seen:
            yield f"{key} is recorded, and was never executed"
            seen.add(id(step))
