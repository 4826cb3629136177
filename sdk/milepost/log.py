"""The logger of a worker: Powertools', made when the first line is written, for most of a run's life is silence."""

import sys
from functools import cached_property
from typing import IO, Any, cast


class _Stdout:
    """Whatever stdout is when a line is written. Powertools keeps one logger per service name and process: without this, all
    tests of an app but the first would log into the capture of the first.
    """

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


class Logger:
    """`Log` of step.py. One JSON line per call, keyword arguments as its fields; level by POWERTOOLS_LOG_LEVEL.

    A field that `logging` keeps for itself, such as name, args or message, is logged as name_, args_ or message_.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    @cached_property
    def _logger(self) -> Any:
        from aws_lambda_powertools import Logger as PowertoolsLogger

        return PowertoolsLogger(service=self._service, stream=cast(IO[str], _Stdout()))

    @cached_property
    def _kept(self) -> frozenset[str]:
        from logging import makeLogRecord

        return frozenset(vars(makeLogRecord({}))) | {"message", "asctime"}

    def _fields(self, fields: dict[str, object]) -> dict[str, object]:
        return {f"{name}_" if name in self._kept else name: value for name, value in fields.items()}

    def debug(self, message: str, /, *args: object, **fields: object) -> None:
        self._logger.debug(message, *args, extra=self._fields(fields))

    def info(self, message: str, /, *args: object, **fields: object) -> None:
        self._logger.info(message, *args, extra=self._fields(fields))

    def warning(self, message: str, /, *args: object, **fields: object) -> None:
        self._logger.warning(message, *args, extra=self._fields(fields))

    def error(self, message: str, /, *args: object, **fields: object) -> None:
        self._logger.error(message, *args, extra=self._fields(fields))

    def exception(self, message: str, /, *args: object, **fields: object) -> None:
        self._logger.exception(message, *args, extra=self._fields(fields))  # noqa: LOG004 - the caller is in a handler
