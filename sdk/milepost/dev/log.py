"""`step.log`, and milepost's own log, as lines among the moves instead of Powertools' JSON."""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final

from milepost.dev.sayings import Logged, now

_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40, "exception": 40}
_OWN: Final = ("run_id", "function", "event_id")


class ScreenLog:
    """`Log` of step.py. POWERTOOLS_LOG_LEVEL counts here, too."""

    def __init__(self, write: Callable[[Logged], None]) -> None:
        self._write = write
        self._least = _LEVELS.get(os.environ.get("POWERTOOLS_LOG_LEVEL", "info").lower(), 20)

    def _log(self, level: str, message: str, args: tuple[object, ...], fields: dict[str, Any]) -> None:
        if _LEVELS[level] < self._least:
            return
        run, function = fields.get("run_id"), fields.get("function")
        others = {name: str(value) for name, value in fields.items() if name not in _OWN}
        if level == "exception" and sys.exc_info()[0] is not None:
            others["traceback"] = traceback.format_exc()
        self._write(
            Logged(
                at=now(),
                level=level,
                message=message % args if args else message,
                run=None if run is None else str(run),
                function=None if function is None else str(function),
                fields=others,
            )
        )

    def debug(self, message: str, /, *args: object, **fields: object) -> None:
        self._log("debug", message, args, fields)

    def info(self, message: str, /, *args: object, **fields: object) -> None:
        self._log("info", message, args, fields)

    def warning(self, message: str, /, *args: object, **fields: object) -> None:
        self._log("warning", message, args, fields)

    def error(self, message: str, /, *args: object, **fields: object) -> None:
        self._log("error", message, args, fields)

    def exception(self, message: str, /, *args: object, **fields: object) -> None:
        self._log("exception", message, args, fields)
