"""The ids of what a thread works for, as keys of every line that a Powertools logger writes there: also of the user's own.

Powertools keeps such keys in a context variable, of which each thread and task has its own. It is slow to import, and nothing logs
before it is: as long as nobody has imported it there is nothing to tell.
"""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

_FORMATTER: Final = "aws_lambda_powertools.logging.formatter"


@contextmanager
def log_keys(keys: Mapping[str, str]) -> Generator[None]:
    """Put these keys into every line that is logged within, on this thread or task and on those that it lends its context to."""
    formatter: Any = sys.modules.get(_FORMATTER)
    if formatter is None:
        yield
        return
    variable = formatter.THREAD_LOCAL_KEYS
    before = variable.set({**variable.get(), **keys})
    try:
        yield
    finally:
        with suppress(ValueError):  # a coroutine that is closed from elsewhere: its own context is nobody's any more
            variable.reset(before)
