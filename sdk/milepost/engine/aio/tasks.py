"""Tasks and futures of the body's loop, and the scope that each task's steps have.

asyncio keeps tasks and futures in sets. These hash by a serial number, so that a set of them has the same order in every
process.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from milepost.engine import keys
from milepost.engine.aio.places import where_of
from milepost.engine.scope import NAME_LIMIT, PATH_LIMIT, check_length, check_name
from milepost.engine.slice import Slice
from milepost.errors import UsageError


class TaskScope:
    """The names that one task has used. A name that is used again is ``name:n``, but not while its first use is unfinished."""

    __slots__ = ("_counts", "_names", "_open", "_tasks", "_timers", "context", "prefix")

    def __init__(self, prefix: str = "", context: Context | None = None) -> None:
        self.prefix = prefix
        self.context = context
        """Of the task; who runs something in it copies it first."""
        self._counts: dict[str, int] = {}
        self._names: set[str] = set()
        """Those whose use has not ended."""
        self._open: dict[str, str] = {}
        """The same, by path."""
        self._tasks: dict[str, int] = {}
        self._timers = 0

    @property
    def is_fresh(self) -> bool:
        """Nobody has used it yet."""
        return not (self._counts or self._tasks or self._timers)

    def claim(self, slice_: Slice, name: object) -> str:
        """The path of the next use of this name. Raises UsageError."""
        text = name if type(name) is str and 0 < len(name) <= NAME_LIMIT else check_name(slice_, name)
        if text in self._names:
            raise slice_.misused(
                UsageError(
                    f"step {text!r} is used again before its first use has ended: give each its own name, use step.map, or put each "
                    "into a task of its own (asyncio.create_task(..., name=...)), whose steps have a scope of their own"
                )
            )
        escaped = keys.escape(text)
        path = self.prefix + (f"%{ord(escaped[0]):02X}{escaped[1:]}" if self.prefix and escaped.isdigit() else escaped)
        if len(path) > PATH_LIMIT // 4:
            check_length(slice_, path)
        count = self._counts[text] = self._counts.get(text, 0) + 1
        path = path if count == 1 else f"{path}:{count}"
        self._names.add(text)
        self._open[path] = text
        return path

    def release(self, path: str) -> None:
        """That use of the name has ended."""
        name = self._open.pop(path, None)
        if name is not None:
            self._names.discard(name)

    def of_task(self, name: str) -> str:
        """The prefix of a task made in this scope. A task may have a name of any length."""
        name = keys.short(name)
        count = self._tasks[name] = self._tasks.get(name, 0) + 1
        escaped = keys.escape(name) or "~task"
        if self.prefix and escaped.isdigit():
            escaped = f"%{ord(escaped[0]):02X}{escaped[1:]}"
        return f"{self.prefix}{escaped}/" if count == 1 else f"{self.prefix}{escaped}:{count}/"

    def give_back(self, name: str) -> None:
        """The task that was named so just now gets another name."""
        self._tasks[keys.short(name)] -= 1

    def timer(self) -> str:
        """The path of the next timer made in this scope."""
        self._timers += 1
        return f"{self.prefix}~timer:{self._timers}"


class BodyTask(asyncio.Task[Any]):
    """A task of the body."""

    serial: int
    scope: TaskScope | None
    own_context: Context
    _log_destroy_pending: bool
    named_after: tuple[TaskScope, str] | None = None
    """The scope that it was made in, and the coroutine's name, as long as it has no other."""

    def __hash__(self) -> int:
        return self.serial

    def set_name(self, value: object) -> None:
        """Asyncio names a task after it has made it: its scope takes that name, unless it has been used."""
        super().set_name(value)
        if self.named_after is not None and self.scope is not None and self.scope.is_fresh:
            parent, name = self.named_after
            parent.give_back(name)
            self.scope = TaskScope(parent.of_task(str(value)), self.own_context)
        self.named_after = None

    @property
    def where(self) -> str:
        """Where it waits, as file:line in function."""
        return where_of(self.get_coro())


class BodyFuture(asyncio.Future[Any]):
    """A future of the body."""

    serial: int

    def __hash__(self) -> int:
        return self.serial


def name_of(coroutine: Coroutine[Any, Any, Any] | Any) -> str:
    """What a task without a name of its own is called."""
    return getattr(coroutine, "__name__", None) or type(coroutine).__name__
