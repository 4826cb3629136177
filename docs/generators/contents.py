"""What stands on which page of the API reference, in which order: every public name is on exactly one page."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page: its file, its heading, a word before the names, and the names."""

    file: str
    title: str
    intro: str
    package: str
    names: tuple[str, ...]
    module: str | None = None
    """Whose docstring goes on where the intro ends."""


PAGES = (
    Page(
        file="app.md",
        title="App and functions",
        intro="`App` is where events and functions are registered, and the door through which an app sends, looks, cancels and reruns.",
        package="milepost",
        names=("App", "FunctionOptions", "Function", "DefFunction", "AsyncFunction", "Callback"),
    ),
    Page(
        file="events.md",
        title="Events",
        intro="What starts functions, wakes waits and cancels runs.",
        package="milepost",
        names=(
            "Event",
            "EventOf",
            "EventInfo",
            "KeyValue",
            "Trigger",
            "Cron",
            "CronTick",
            "CancelOn",
            "WaitFor",
            "Matched",
            "Won",
            "Failure",
        ),
    ),
    Page(
        file="options.md",
        title="Options",
        intro="Options are frozen, compared by value, and checked when they are made.",
        package="milepost",
        names=("Retry", "Backoff", "Completion", "Lookback", "SINCE_TRIGGER"),
    ),
    Page(
        file="steps.md",
        title="Steps",
        intro="What the second argument of a durable function, or the argument of a branch, can do.",
        module="milepost.step",
        package="milepost",
        names=("Step", "StepOptions", "UndoableStep", "Log"),
    ),
    Page(
        file="async_steps.md",
        title="Steps of async functions",
        intro="What the second argument of a durable `async def`, or the argument of a branch of one, can do.",
        module="milepost.async_step",
        package="milepost",
        names=("AsyncStep", "AsyncStepOptions", "AsyncUndoableStep"),
    ),
    Page(
        file="runs.md",
        title="Runs",
        intro="A run is read through a live handle: every property says what is so now.",
        package="milepost",
        names=("Run", "RunStatus", "StatusName", "StepRecord", "RunView"),
    ),
    Page(
        file="errors.md",
        title="Errors",
        intro="Every error that Milepost raises is a `MilepostError`. They are split by who must act.",
        module="milepost.errors",
        package="milepost",
        names=(
            "MilepostError",
            "DefinitionError",
            "UsageError",
            "EventError",
            "CodecError",
            "ValueNotStorable",
            "UndeclaredWaitError",
            "NonDeterminismError",
            "NonRetriableError",
            "RetryAfterError",
            "StepError",
            "StepInterrupted",
            "WorkerCrashed",
            "InvokeError",
            "RaceError",
            "WaitTimeout",
            "NoCloudError",
            "ConfigurationError",
            "CloudError",
            "StateFileError",
            "RunNotFound",
            "FunctionNotFound",
            "StepNotFound",
            "RunNotCompleted",
            "ErrorInfo",
        ),
    ),
    Page(
        file="local.md",
        title="The local cloud",
        intro="`from milepost.local import LocalCloud`. The whole of Milepost on one SQLite file, with the real clock.",
        package="milepost.local",
        names=("LocalCloud",),
    ),
    Page(
        file="testing.md",
        title="The test kit",
        intro="`from milepost.testing import Sandbox, crash_everywhere`. All of Milepost in memory, with a clock that only the test moves.",
        package="milepost.testing",
        names=("Sandbox", "crash_everywhere", "CrashReport", "Meter", "RunCount", "Count", "Usage"),
    ),
)

EXTRAS = {"FunctionOptions": "milepost.app", "RunView": "milepost.runs"}
"""Names on the pages that are no exports: what a signature names, and a reader has to know."""

MADE_BY_MILEPOST = frozenset(
    {
        "AsyncFunction",
        "Callback",
        "Count",
        "CrashReport",
        "DefFunction",
        "Function",
        "InvokeError",
        "Meter",
        "RaceError",
        "Run",
        "RunCount",
        "RunNotCompleted",
        "StepError",
        "Usage",
    }
)
"""Nobody else calls their constructors."""
