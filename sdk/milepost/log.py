"""The logger of a worker: Powertools', made when the first line is written, for most of a run's life is silence."""

from functools import cached_property
from typing import Any


class Logger:
    """`Log` of step.py. One JSON line per call, keyword arguments as its fields; level by POWERTOOLS_LOG_LEVEL."""

    def __init__(self, service: str) -> None:
        self._service = service

    @cached_property
    def _logger(self) -> Any:
        from aws_lambda_powertools import Logger as PowertoolsLogger

        return PowertoolsLogger(service=self._service)

    def debug(self, message: str, /, *args: object, **fields: object) -> None:
        self._logger.debug(message, *args, extra=fields)

    def info(self, message: str, /, *args: object, **fields: object) -> None:
        self._logger.info(message, *args, extra=fields)

    def warning(self, message: str, /, *args: object, **fields: object) -> None:
        self._logger.warning(message, *args, extra=fields)

    def error(self, message: str, /, *args: object, **fields: object) -> None:
        self._logger.error(message, *args, extra=fields)

    def exception(self, message: str, /, *args: object, **fields: object) -> None:
        self._logger.exception(message, *args, extra=fields)
