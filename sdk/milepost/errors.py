"""Every error milepost raises, in one tree, split by who must act.
Knows nothing but the standard library, and never imports the module of an error that it reads back.

    MilepostError
    ├── your code
    │   ├── DefinitionError          at import: an unknown key or path, two of one name, a cron that cannot be
    │   ├── UsageError               in a body: a step method given arguments it cannot take
    │   ├── EventError               an event that does not fit its type, or that no type is known for
    │   ├── CodecError               a stored or received value that cannot be rebuilt as its annotation says
    │   │   └── ValueNotStorable     a result or argument that cannot be stored
    │   ├── UndeclaredWaitError      a wait for an event that the function does not declare in waits_for
    │   ├── NonDeterminismError      a replay took another path than its history; the run is paused
    │   ├── NonRetriableError        yours to raise: do not try again
    │   └── RetryAfterError          yours to raise: try again at, or after
    ├── what steps raise
    │   ├── StepError                a step that failed for good; also an instance of the original class
    │   │   ├── StepInterrupted      once=True, and the worker died in it
    │   │   └── WorkerCrashed        the worker died in this step again and again
    │   ├── InvokeError              a child run that failed or was cancelled
    │   ├── RaceError                every branch of a race failed
    │   └── WaitTimeout              a callback, poll or child that did not come in time
    └── your configuration, and doors
        ├── NoCloudError             no cloud to act on
        ├── ConfigurationError       names of AWS resources that are missing or cannot be, all of them at once
        ├── CloudError               AWS did not do it: it throttles, is out of reach, allows it not, or has no such resource
        ├── StateFileError           a state file that is newer, corrupt, foreign, or held by another worker
        ├── RunNotFound              no run has this id
        ├── FunctionNotFound         the app has no function of this name
        ├── StepNotFound             the run has no such step to start again from
        └── RunNotCompleted          the result of a run that has none
"""

from dataclasses import replace
from datetime import datetime, timedelta

from milepost.error_info import CARRIED, ErrorInfo, describe
from milepost.originals import bare_instance, joined, loaded_exception

__all__ = [
    "NEVER_RETRIED",
    "CloudError",
    "CodecError",
    "ConfigurationError",
    "DefinitionError",
    "ErrorInfo",
    "EventError",
    "FunctionNotFound",
    "InvokeError",
    "MilepostError",
    "NoCloudError",
    "NonDeterminismError",
    "NonRetriableError",
    "RaceError",
    "RetryAfterError",
    "RunNotCompleted",
    "RunNotFound",
    "StateFileError",
    "StepError",
    "StepInterrupted",
    "StepNotFound",
    "UndeclaredWaitError",
    "UsageError",
    "ValueNotStorable",
    "WaitTimeout",
    "WorkerCrashed",
    "describe",
    "step_error",
]


class MilepostError(Exception):
    """Base of every error of milepost. `except MilepostError` catches them all.

    What to do: catch one of its subclasses where you know what to do about it, and let the others fail the run.
    """


# ---- your code -------------------------------------------------------------------------------------------------------


class DefinitionError(MilepostError):
    """An app, event, function or option that cannot be: raised where it is defined, before anything runs.

    Raised by `App`, ``@app.event``, ``@app.function``, `Trigger`, `Cron`, `CancelOn`, `Retry`, `Backoff`, `Completion`.
    What to do: mend the line that the traceback ends in; of two definitions of one name the message gives both places.
    """


class UsageError(MilepostError):
    """A step method was given arguments it cannot take: a naive datetime, a negative sleep, an unknown key.

    Raised at the call, before anything is written. Trying again would not help: it is never retried and fails the run,
    also when the body swallows it. Doors, `LocalCloud` and `Sandbox` raise it for arguments that cannot be, too.
    What to do: mend the call that the message names, then rerun the run.
    """


class EventError(MilepostError):
    """An event does not fit its type, or has none that is known here. Says which field, and what was found. Never retried.

    Raised by `App.send` and `Step.send_event` before anything is sent, by `Step.invoke` for data that do not fit the child,
    and as the error of a run whose event came from elsewhere and cannot be read.
    What to do: mend the sender, or the event's type (a new field with a default reads old events), then send it again.
    """


class CodecError(MilepostError):
    """A value cannot be rebuilt as its annotation says. Names the field, and what was found. Never retried.

    Raised by a step whose record was written by code with another return annotation, and for annotations that cannot be
    resolved or stored. What to do: give the annotation back its old shape, or new fields a default; or rename the step,
    which runs it anew; then rerun the run.
    """

    def __init__(self, message: str, *, problem: str | None = None) -> None:
        super().__init__(message)
        self._problem = problem if problem is not None else message

    @property
    def problem(self) -> str:
        """The field and what is wrong with it, without the name of the whole value."""
        return self._problem


class ValueNotStorable(CodecError):
    """A value cannot be stored, or would not read back as what it is. Names the value, and its type. Never retried.

    Raised by the step whose function returned it, or as the error of the run for its own result.
    What to do: annotate what the function returns; return one of the supported types, or a reference to what is stored
    elsewhere (32 MB of JSON are the most), then rerun the run.
    """


class NonDeterminismError(MilepostError):
    """A replay asked for another step than its history holds. The run is paused, its history untouched.

    Seen as the reason of the paused run: a name that was recorded as another kind of step, or another number of items.
    What to do: give the new step another name, or branch with `Step.patched`; a worker with the new code resumes the run.
    """


class UndeclaredWaitError(MilepostError):
    """A function waits for an event that it does not declare in ``waits_for``. Fails the run; says what to add.

    What to do: add the event to ``waits_for`` of ``@app.function``, then rerun the run.
    """


class NonRetriableError(MilepostError):
    """Raise it in a step or a body to fail at once, whatever retries are left.

    What to do: nothing more; in a body it fails the run, from a step it comes as a StepError that is also one of these.
    """


class RetryAfterError(MilepostError):
    """Raise it in a step or a body to be tried again at a time of your choosing; counts as an attempt.

    ``when``: an aware datetime, or a timedelta from now. Raises UsageError for a naive datetime or a negative timedelta.
    What to do: raise it when a service says when it will be back: ``raise RetryAfterError(timedelta(seconds=seconds))``.
    """

    def __init__(self, when: timedelta | datetime, message: str = "") -> None:
        _check_when(when)
        super().__init__(message or f"try again {'at' if isinstance(when, datetime) else 'in'} {when}")
        self._when = when

    @property
    def when(self) -> timedelta | datetime:
        """The instant, or the time from now, before which nothing is tried again."""
        return self._when


def _check_when(when: object) -> None:
    if isinstance(when, datetime):
        if when.utcoffset() is None:
            raise UsageError("RetryAfterError: a naive datetime names no instant; give it a time zone: datetime.now(UTC) + ...")
    elif not isinstance(when, timedelta):
        raise UsageError(f"RetryAfterError: when is a timedelta or an aware datetime, not {type(when).__name__}")
    elif when < timedelta(0):
        raise UsageError(f"RetryAfterError: {when} lies in the past")


# ---- what steps raise ------------------------------------------------------------------------------------------------


class StepError(MilepostError):
    """A step that failed for good, on the first run and on every replay alike.

    It is also an instance of the original class when that is known where it is read back, so that both
    ``except CardDeclined`` and ``except StepError`` work. Attributes that the original's own ``__init__`` sets are not
    there: only what `info` says was stored. What to do: catch it where the body can go another way; uncaught it fails the run.
    """

    def __init__(self, step: str, info: ErrorInfo) -> None:
        super().__init__(info.message)
        self.__dict__[CARRIED] = (step, info)

    @property
    def step(self) -> str:
        """The step's path: its name, after the names of the scopes around it."""
        failed: tuple[str, ErrorInfo] = self.__dict__[CARRIED]
        return failed[0]

    @property
    def info(self) -> ErrorInfo:
        """The original error, as stored."""
        failed: tuple[str, ErrorInfo] = self.__dict__[CARRIED]
        return failed[1]

    def __str__(self) -> str:
        return f"step {self.step!r} failed: {replace(self.info, step=None)}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.step!r}, {self.info.message!r})"

    def __reduce__(self) -> str | tuple[object, ...]:
        return step_error, (self.step, self.info, _plain_base(type(self)))


class StepInterrupted(StepError):
    """A step with ``once=True`` was running when its worker died: whether it took effect is not known, and it is not tried again.

    What to do: find out from the other side whether it did, in a step of its own, and go on from there.
    """


class WorkerCrashed(StepError):
    """The worker died in this step four times: out of memory, killed, or a crash of native code.

    What to do: look for what killed it (memory, a native library); then rerun the run from this step.
    """


class InvokeError(MilepostError):
    """A child run failed or was cancelled.

    Raised by `Step.invoke` and `Step.invoke_many`. What to do: look at ``cause`` or at the child, ``app.run(error.run_id)``;
    catch it where the body can go another way; uncaught it fails the run.
    """

    def __init__(self, run_id: str, cause: StepError | None, message: str) -> None:
        super().__init__(message)
        self._run_id = run_id
        self._cause = cause

    @property
    def run_id(self) -> str:
        """The child run."""
        return self._run_id

    @property
    def cause(self) -> StepError | None:
        """What the child failed with; None when it was cancelled."""
        return self._cause


class RaceError(MilepostError):
    """Every branch of a race failed.

    Raised by `Step.race`. What to do: look at ``errors``, one per branch; uncaught it fails the run.
    """

    def __init__(self, errors: tuple[Exception, ...]) -> None:
        super().__init__(f"all {len(errors)} branches failed: " + "; ".join(str(error) for error in errors))
        self._errors = tuple(errors)

    @property
    def errors(self) -> tuple[Exception, ...]:
        """One per branch, in order."""
        return self._errors


class WaitTimeout(MilepostError):
    """A callback, a poll or a child run did not come to its end within ``timeout``.

    Raised by `Step.wait_for_callback` (also when a heartbeat is late), `Step.wait_until` and `Step.invoke`.
    What to do: catch it where the body can go another way; uncaught it fails the run. A wait for an event gives None instead.
    """


# ---- your configuration, and doors -----------------------------------------------------------------------------------


class NoCloudError(MilepostError):
    """There is no cloud to act on: not in a running function, not within a LocalCloud or Sandbox, no ``MILEPOST_*`` variables that name
    a deployed app, and no ``.milepost/state.db`` here.

    Raised by the doors of an app. What to do: start ``milepost dev`` in this directory, or change to the one it runs in; for a
    deployed app set the variables that `milepost_cdk` sets for its own functions.
    """


class ConfigurationError(MilepostError):
    """The names of the AWS resources of an app, from environment variables or SSM parameters, are missing or cannot be. One error
    says all that is wrong. Raised at the cold start of a Lambda function, and by the doors of an app outside one.

    What to do: set the variables that it names, or deploy the stage that it names; `milepost_cdk` sets them for its own functions.
    """


class CloudError(MilepostError):
    """AWS did not do what was asked, or nobody knows whether it did: it throttles or is out of reach after all tries, the caller may
    not (the message names the action and the resource), or there is no such resource. Raised by the doors of an app. In a function a
    slice ends with it and comes again, and no body sees it.

    What to do: grant the action that the message names, deploy what is missing, or try again. What is done twice with the same id
    has one effect.
    """


class StateFileError(MilepostError):
    """A state file cannot be used: written by a newer milepost, corrupt, foreign, or held by another worker.

    Raised by `LocalCloud` and by the commands. What to do: as the message says: stop the worker whose process it names,
    upgrade milepost, or name another file. The file is left as it was.
    """


class RunNotFound(MilepostError):
    """No run has this id, or its retention is over: runs are kept for 30 days after their end.

    What to do: list those that there are, with ``milepost runs`` or `App.runs`.
    """


class FunctionNotFound(MilepostError):
    """The app has no function of this name. Suggests near names.

    What to do: take one of the names in the message; a function that was removed has to be deployed again for its runs.
    """


class StepNotFound(MilepostError):
    """The run has no such step to start again from. Names those that it has.

    What to do: take one of the names in the message; a step in a branch is named by its path, "prepare/0/reserve".
    """


class RunNotCompleted(MilepostError):
    """The result of a run that has not completed was asked for. ``error`` is what it failed with, if it did.

    What to do: ask for `Run.status` first, or wait with `LocalCloud.wait`.
    """

    def __init__(self, status: str, error: ErrorInfo | None = None) -> None:
        super().__init__(f"the run has no result: it is {status}" + (f" ({error})" if error is not None else ""))
        self._status = str(status)
        self._error = error

    @property
    def status(self) -> str:
        """The run's status when it was asked."""
        return self._status

    @property
    def error(self) -> ErrorInfo | None:
        """What the run failed with, or why it was cancelled or paused; None when it has not ended."""
        return self._error


NEVER_RETRIED: tuple[type[MilepostError], ...] = (
    NonRetriableError,
    DefinitionError,
    UsageError,
    EventError,
    CodecError,
    UndeclaredWaitError,
    NonDeterminismError,
)
"""Raised by a step or a body, these say that another attempt would end the same."""


def step_error(step: str, info: ErrorInfo, base: type[StepError] = StepError) -> StepError:
    """The error that a failed step raises: an instance of (base, the original class), or of plain ``base``.

    Plain when the original is local, not an Exception, cannot be combined, or lives in a module that this process has
    not loaded: nothing is imported. The original's ``__init__`` is not called; ``args`` is ``(message,)``.
    """
    original = loaded_exception(info.type)
    error = None if original is None else bare_instance(joined(base, original), info.message)
    if error is None:
        return base(step, info)
    error.__dict__[CARRIED] = (step, info)
    return error


def _plain_base(cls: type[StepError]) -> type[StepError]:
    return next(parent for parent in cls.__mro__ if parent in (StepError, StepInterrupted, WorkerCrashed))
