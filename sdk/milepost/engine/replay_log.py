"""step.log: silent while the body replays what it did before, so that every line is logged once per attempt."""

from typing import Any

from milepost.engine.slice import Slice


class ReplayLog:
    """The worker's logger with the run's ids as fields."""

    __slots__ = ("_prefix", "_slice")

    def __init__(self, slice_: Slice, prefix: str) -> None:
        self._slice = slice_
        self._prefix = prefix

    def _log(self, level: str, message: str, args: tuple[object, ...], fields: dict[str, Any]) -> None:
        if self._slice.is_silent(self._prefix):
            return
        header = self._slice.header
        own = {"run_id": header.run, "function": header.function, "event_id": header.event_id}
        getattr(self._slice.worker.log, level)(message, *args, **{**own, **fields})

    def debug(self, message: str, /, *args: object, **fields: Any) -> None:
        self._log("debug", message, args, fields)

    def info(self, message: str, /, *args: object, **fields: Any) -> None:
        self._log("info", message, args, fields)

    def warning(self, message: str, /, *args: object, **fields: Any) -> None:
        self._log("warning", message, args, fields)

    def error(self, message: str, /, *args: object, **fields: Any) -> None:
        self._log("error", message, args, fields)

    def exception(self, message: str, /, *args: object, **fields: Any) -> None:
        self._log("exception", message, args, fields)
