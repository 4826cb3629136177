"""Asks AWS again: throttles, faults and broken connections, with full jitter, within a number of tries and a budget of time.

botocore's own retries are off (clients.py): this is the only loop, so that nothing is tried three times three times, and so that it
is known whether an earlier try may have taken effect.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from milepost.aws.failures import Asked, failure_of

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How often and how long to ask. Well below a worker's time-out: what then still fails comes back with its message."""

    tries: int = 8
    budget_ms: int = 12_000
    """From the first try on; no pause begins that would end after it."""
    first_pause_ms: int = 25
    """The mean of full jitter is half of it; doubled with each try."""
    longest_pause_ms: int = 2_000


PATIENT: Final = Patience()


class Attempts:
    """Asks until there is an answer, or no more patience. Safe from many threads."""

    def __init__(
        self,
        patience: Patience = PATIENT,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep
        self._chance = chance

    def call(self, asked: Asked, ask: Callable[[], T], *, is_repeatable: bool = True) -> T:
        """What ``ask`` returns. Raises AwsError: at once for what trying again would not mend, which includes the documented
        outcomes of an operation (its `code` and `answer` say which); else when patience ends. With ``is_repeatable`` off also at
        once when nobody knows whether it was done.
        """
        since = self.started()
        try:
            return ask()
        except (BotoCoreError, ClientError) as error:
            return self._again(asked, ask, error, since, is_repeatable=is_repeatable)

    def pause(self, tried: int, since: float) -> bool:
        """Wait before the next try, after ``tried`` of them; ``since`` is `started`. False at once when patience has ended."""
        patience = self._patience
        if tried >= patience.tries:
            return False
        longest_s = min(patience.longest_pause_ms, patience.first_pause_ms * 2 ** (tried - 1)) / 1_000
        pause_s = longest_s * self._chance()
        if self._monotonic() + pause_s - since > patience.budget_ms / 1_000:
            return False
        self._sleep(pause_s)
        return True

    def started(self) -> float:
        """Now, for `pause`."""
        return self._monotonic()

    def _again(self, asked: Asked, ask: Callable[[], T], error: BotoCoreError | ClientError, since: float, *, is_repeatable: bool) -> T:
        tried, was_ambiguous = 1, False
        while True:
            failure = failure_of(error, asked, tries=tried, was_ambiguous=was_ambiguous)
            was_ambiguous = failure.is_ambiguous
            is_over = failure.is_ambiguous and not is_repeatable
            if is_over or not failure.meaning.is_retriable or not self.pause(tried, since):
                raise failure from error
            try:
                return ask()
            except (BotoCoreError, ClientError) as another:
                error, tried = another, tried + 1
