"""Errors as they are stored: type, message, traceback and step, short enough for a record and never an error of their own."""

import os
import traceback
from dataclasses import dataclass, replace

TRACEBACK_LIMIT = 4_000
"""Characters of a traceback that are kept: the first fifth and the end, where the raising frames are."""

MESSAGE_LIMIT = 2_000
"""Characters of an error's message that are kept."""

CARRIED = "_milepost_failed"
"""Where a StepError keeps its step and its ErrorInfo: in its ``__dict__``, because its other class may be frozen or have properties."""


@dataclass(frozen=True)
class ErrorInfo:
    """An error as it is stored. ``str()`` is "Type: message", with the step it came from."""

    type: str
    """Qualified name of the original class, with its module: "shop.payments.CardDeclined"."""
    message: str
    traceback: str = ""
    step: str | None = None
    """The step that failed; None when the body itself did."""

    def __str__(self) -> str:
        text = f"{_short(self.type)}: {self.message}" if self.message else _short(self.type)
        return text if self.step is None else f"{text} (step {self.step!r})"


def _short(type_name: str) -> str:
    return type_name.rpartition(">.")[2].rpartition(".")[2]


def describe(error: BaseException, step: str | None = None) -> ErrorInfo:
    """The stored form of an error; that of a StepError is what its step failed with. Never raises.

    ``step``: the path of the failing step, kept when the error does not name one itself.
    """
    carried: tuple[str, ErrorInfo] | None = error.__dict__.get(CARRIED)
    if carried is not None:
        info = carried[1]
        return info if info.step is not None or step is None else replace(info, step=step)
    cls = type(error)
    try:
        message = str(error)
    except Exception as failure:  # noqa: BLE001 - a user's __str__ may raise anything, and its error must still be stored
        message = f"<str() of this {cls.__name__} raised {type(failure).__name__}>"
    trace = traceback.TracebackException.from_exception(error)
    _hide_own_frames(trace)
    text = "".join(trace.format())
    return ErrorInfo(
        f"{cls.__module__}.{cls.__qualname__}", _cut(_clean(message), MESSAGE_LIMIT), _cut(_clean(text), TRACEBACK_LIMIT), step
    )


_OWN_FILES = os.path.dirname(__file__) + os.sep  # noqa: PTH120 - pathlib would be imported for this alone


def _hide_own_frames(trace: traceback.TracebackException | None) -> None:
    """Leave the frames of the user's code; all of them where every frame is ours."""
    while trace is not None:
        frames = [frame for frame in trace.stack if not frame.filename.startswith(_OWN_FILES)]
        if frames:
            trace.stack = traceback.StackSummary.from_list(frames)
        _hide_own_frames(trace.__cause__)
        trace = trace.__context__


def _clean(text: str) -> str:
    """Without lone surrogates, which no JSON can hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    gap = f"\n... {len(text) - limit} characters left out ...\n"
    head = limit // 5
    return text[:head] + gap + text[len(text) - (limit - head - len(gap)) :]
