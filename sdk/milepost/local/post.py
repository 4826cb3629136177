"""What is said within the process of messages that were just sent: their taker need not look for them in the file.

Owns no message: each is in the file before it is told of here, and the file alone counts after a crash.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Letter(NamedTuple):
    """A message of the file; in the order in which messages are delivered."""

    visible_at: int
    number: int
    group: str
    body: str
    deliveries: int
    sent_at: int
    timer: str | None


class Hearer(Protocol):
    """Who takes messages in this process."""

    def sent(self, letters: Sequence[Letter]) -> None:
        """These are in the file now. Does not block."""
        ...

    def withdrawn(self, numbers: Sequence[int]) -> None:
        """These are not any more."""
        ...

    def look_again(self) -> None:
        """Something may have been sent or withdrawn: only the file knows."""
        ...
