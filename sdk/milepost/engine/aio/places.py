"""Where code stands, as ``file:line in function``, for whoever has to mend it: in their own code, if it gets that far."""

import os
from types import FrameType
from typing import Any, Final

_ENGINE: Final = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep  # noqa: PTH100, PTH120 - pathlib is slow to import
_STANDARD: Final = os.path.dirname(os.path.abspath(os.__file__)) + os.sep  # noqa: PTH100, PTH120


def is_users(frame: FrameType) -> bool:
    """Neither ours, nor Python's, nor a package's."""
    file = frame.f_code.co_filename
    return not file.startswith((_ENGINE, _STANDARD, "<frozen ")) and "site-packages" not in file


def place_of(frame: FrameType) -> str:
    """``file:line in function``."""
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_qualname}"


def where_of(coroutine: Any) -> str:
    """The innermost place at which a chain of coroutines waits, in the user's code if it gets that far."""
    frames: list[FrameType] = []
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "ag_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is not None:
            frames.append(frame)
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "ag_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return _innermost(list(reversed(frames)), "a coroutine that has not begun")


def where_is(frame: FrameType | None) -> str:
    """The innermost place of a thread's stack, in the user's code if it gets that far."""
    frames: list[FrameType] = []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return _innermost(frames, "an unknown place")


def _innermost(frames: list[FrameType], otherwise: str) -> str:
    """Of a stack that begins with its innermost frame."""
    found = next((frame for frame in frames if is_users(frame)), None) or next(iter(frames), None)
    return otherwise if found is None else place_of(found)
