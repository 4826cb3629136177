"""Names: a step's path is its scope and its name; the n-th use of a name in a scope is ``name:n``.

A name is claimed when the method is called, by the thread that owns the scope, and never inside a step's body.
"""

from threading import get_ident

from milepost.engine import keys
from milepost.engine.interrupts import Suspend
from milepost.engine.slice import Slice
from milepost.errors import UsageError

NAME_LIMIT = 256
"""Characters of a step's name."""
PATH_LIMIT = 900
"""Bytes of a step's path. It is part of keys, of which DynamoDB takes 1,024 bytes (quotas, read 2026-11-23), run id and prefix included."""


def check_name(slice_: Slice, name: object) -> str:
    """The name, if it can be a step's. Raises UsageError."""
    if type(name) is not str or not name or len(name) > NAME_LIMIT:
        raise slice_.misused(UsageError(f"a step's name is a string of 1 to {NAME_LIMIT} characters, not {name!r}"))
    return name


def check_length(slice_: Slice, path: str) -> None:
    """Raises UsageError for a path that no key has room for."""
    size = len(path.encode())
    if size > PATH_LIMIT:
        raise slice_.misused(
            UsageError(
                f"step {path[-40:]!r}: with what it stands in its name has {size:,} bytes, {PATH_LIMIT} are the most: use shorter names"
            )
        )


class Scope:
    """The names used so far in a body, or in one branch."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self._counts: dict[str, int] = {}
        self._thread = get_ident()
        self.is_suspended = False
        """It waits: `finally` and `with` may run, but no further step begins."""
        self.busy: str | None = None
        """What is running in this scope and may not use it: a step's body, or a group of branches."""

    def claim(self, slice_: Slice, name: object) -> str:
        """The path of the next use of this name. Raises UsageError."""
        text = name if type(name) is str and 0 < len(name) <= NAME_LIMIT else check_name(slice_, name)
        if self.is_suspended:
            raise Suspend
        slice_.outage.check()
        if get_ident() != self._thread:
            raise slice_.misused(
                UsageError(f"step {name!r} is used on another thread than its body's: use step.parallel, step.map or step.each")
            )
        if self.busy is not None:
            raise slice_.misused(
                UsageError(
                    f"step {name!r} is used inside {self.busy!r}: a step's body cannot have steps of its own (use step.invoke, or call "
                    "them from the body), and a branch uses the step that it is given"
                )
            )
        path = self.prefix + keys.escape(text)
        if len(path) > PATH_LIMIT // 4:
            check_length(slice_, path)
        count = self._counts[text] = self._counts.get(text, 0) + 1
        return path if count == 1 else f"{path}:{count}"
