"""The engine's facts as CloudWatch metrics: gathered from all threads of an invocation, written once at its end as EMF.

Owns the names. Each function of an app has its own metrics, under the dimensions `app` and `function`; those of the sweeper have
`app` alone. A metric that is never written costs nothing.
"""

from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from milepost.engine.facts import Fact, Replayed, Resumed, Retried, RunEnded, RunPaused, RunStarted, Slept, StepEnded, TooManyHops
from milepost.engine.upkeep import Kept
from milepost.runs import RunStatus

NAMESPACE: Final = "Milepost"

_Values: TypeAlias = tuple[tuple["Metric", int], ...]


class Metric(StrEnum):
    """The name of a metric."""

    STARTED = "RunsStarted"
    COMPLETED = "RunsCompleted"
    FAILED = "RunsFailed"
    CANCELLED = "RunsCancelled"
    PAUSED = "RunsPaused"
    RUN_DURATION = "RunDuration"
    QUEUE_DELAY = "QueueDelay"
    STEP_DURATION = "StepDuration"
    STEP_ATTEMPTS = "StepAttempts"
    STEPS_FAILED = "StepsFailed"
    RETRIES = "Retries"
    REPLAYS = "Replays"
    REPLAYED_STEPS = "ReplayedSteps"
    SLEEP_LATENESS = "SleepLateness"
    RESUME_LATENCY = "ResumeLatency"
    HOPS_EXCEEDED = "HopsExceeded"
    SWEPT_OVERDUE = "SweptOverdue"
    SWEPT_RESUMED = "SweptResumed"
    SWEPT_EXTENDED = "SweptExtended"
    TICKS = "CronTicks"


class About(msgspec.Struct, frozen=True):
    """What a metric measures."""

    unit: str
    """As CloudWatch calls it."""
    what: str


_COUNT, _MS = "Count", "Milliseconds"

METRICS: Final[Mapping[Metric, About]] = {
    Metric.STARTED: About(_COUNT, "runs that began"),
    Metric.COMPLETED: About(_COUNT, "runs that completed"),
    Metric.FAILED: About(_COUNT, "runs that failed"),
    Metric.CANCELLED: About(_COUNT, "runs that an event or their parent cancelled; what a client cancels no worker sees"),
    Metric.PAUSED: About(_COUNT, "runs that stand still until somebody resumes them or deploys new code: look at them"),
    Metric.RUN_DURATION: About(_MS, "from a run's creation to its end"),
    Metric.QUEUE_DELAY: About(_MS, "from the acceptance of an event to the start of its run"),
    Metric.STEP_DURATION: About(_MS, "of the attempt that ended a step.run"),
    Metric.STEP_ATTEMPTS: About(_COUNT, "attempts that a step.run took"),
    Metric.STEPS_FAILED: About(_COUNT, "step.runs that failed for good"),
    Metric.RETRIES: About(_COUNT, "attempts of steps and bodies that failed and are followed by another"),
    Metric.REPLAYS: About(_COUNT, "slices that read a history"),
    Metric.REPLAYED_STEPS: About(_COUNT, "records in a history that was read"),
    Metric.SLEEP_LATENESS: About(_MS, "from the end of a sleep to the slice that saw it"),
    Metric.RESUME_LATENCY: About(_MS, "from what a run waited for to the slice that goes on"),
    Metric.HOPS_EXCEEDED: About(_COUNT, "chains of events that were taken for loops and ended"),
    Metric.SWEPT_OVERDUE: About(_COUNT, "runs that the sweeper had to wake: zero is normal"),
    Metric.SWEPT_RESUMED: About(_COUNT, "paused runs that went on with new code"),
    Metric.SWEPT_EXTENDED: About(_COUNT, "paused runs whose rows were kept from expiring"),
    Metric.TICKS: About(_COUNT, "cron ticks that were sent"),
}

_ENDS: Final = {RunStatus.COMPLETED: Metric.COMPLETED, RunStatus.FAILED: Metric.FAILED, RunStatus.CANCELLED: Metric.CANCELLED}


def values_of(fact: Fact) -> _Values:
    """What a fact adds to which metrics."""
    match fact:
        case RunStarted(queue_ms=queue_ms):
            return ((Metric.STARTED, 1), (Metric.QUEUE_DELAY, queue_ms))
        case RunEnded(status=status, duration_ms=duration_ms):
            return ((_ENDS[status], 1), (Metric.RUN_DURATION, duration_ms))
        case RunPaused():
            return ((Metric.PAUSED, 1),)
        case StepEnded(is_completed=is_completed, duration_ms=duration_ms, attempts=attempts):
            ended = ((Metric.STEP_DURATION, duration_ms), (Metric.STEP_ATTEMPTS, attempts))
            return ended if is_completed else (*ended, (Metric.STEPS_FAILED, 1))
        case Retried():
            return ((Metric.RETRIES, 1),)
        case Slept(late_ms=late_ms):
            return ((Metric.SLEEP_LATENESS, late_ms),)
        case Resumed(latency_ms=latency_ms):
            return ((Metric.RESUME_LATENCY, latency_ms),)
        case Replayed(steps=steps):
            return ((Metric.REPLAYS, 1), (Metric.REPLAYED_STEPS, steps))
        case TooManyHops():
            return ((Metric.HOPS_EXCEEDED, 1),)


class Gathered:
    """What was noticed since the last flush. `notice` may be called from any thread."""

    def __init__(self, app: str) -> None:
        self._app = app
        self._noticed: list[tuple[str, _Values]] = []

    def notice(self, fact: Fact) -> None:
        """Keep a fact: `Worker.notice`."""
        self._noticed.append((fact.function, values_of(fact)))

    def swept(self, kept: Kept) -> None:
        """Keep what a sweep came to."""
        found = kept.found
        counts = (
            (Metric.SWEPT_OVERDUE, found.overdue),
            (Metric.SWEPT_RESUMED, found.resumed),
            (Metric.SWEPT_EXTENDED, found.extended),
            (Metric.TICKS, kept.ticks),
        )
        self._noticed.append(("", counts))

    def flush(self) -> None:
        """Write it to stdout, a line for each function, as Powertools' Metrics does; nothing when nothing was noticed."""
        noticed, self._noticed = self._noticed, []
        by_function: defaultdict[str, list[tuple[Metric, int]]] = defaultdict(list)
        for function, values in noticed:
            by_function[function] += values
        for function, all_values in sorted(by_function.items()):
            self._write({"app": self._app, **({"function": function} if function else {})}, all_values)

    def _write(self, dimensions: Mapping[str, str], values: list[tuple[Metric, int]]) -> None:
        from aws_lambda_powertools.metrics import EphemeralMetrics  # not before there is something to write

        metrics = EphemeralMetrics(namespace=NAMESPACE)
        # Where POWERTOOLS_SERVICE_NAME is set the service would be a third dimension.
        metrics.service = None  # type: ignore[assignment] # pyright: ignore[reportAttributeAccessIssue]
        for name, value in dimensions.items():
            metrics.add_dimension(name=name, value=value)
        for metric, number in values:
            metrics.add_metric(name=metric.value, unit=METRICS[metric].unit, value=number)
        if metrics.metric_set:  # a hundred values of one metric are written at once, and nothing may be left
            metrics.flush_metrics()
