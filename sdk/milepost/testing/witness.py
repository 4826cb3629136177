"""Sees every execution of a step's function, and can leave one out: the proof of who did something twice.

Left out, an execution gives what the one before it gave, value or error, and does nothing.
"""

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, NamedTuple

from milepost.definitions import is_async
from milepost.engine import keys
from milepost.engine.ambient import CURRENT
from milepost.testing.outcomes import shown


class StepKey(NamedTuple):
    """A step of a run."""

    run: str
    function: str
    path: str
    """As shown."""

    def __str__(self) -> str:
        return f"step {self.path!r} of {self.function}"


@dataclass(frozen=True, slots=True)
class _Gave:
    value: Any


@dataclass(frozen=True, slots=True)
class _Raised:
    error: Exception


class Witness:
    """Stands around the functions of steps. ``left_out``: by step, which executions are not to happen, from 1."""

    def __init__(self, left_out: Mapping[StepKey, frozenset[int]], on_step: Callable[[], None]) -> None:
        self._left_out = left_out
        self._on_step = on_step
        self._last: dict[StepKey, _Gave | _Raised] = {}
        self.begun: Counter[StepKey] = Counter()
        """Executions that were begun, by step."""
        self.others: dict[StepKey, tuple[str, str]] = {}
        """Steps that were executed with other arguments than the time before, and both in words."""
        self._arguments: dict[StepKey, str] = {}

    def around(self, function: str, path: str, fn: Callable[..., Any]) -> Callable[..., Any]:
        """What to call in the place of the function of a step. On the slice's thread."""
        ambient = CURRENT.get()
        key = StepKey("" if ambient is None else ambient.run, function, keys.unescape_path(path))
        if is_async(fn):

            async def call_async(*args: Any, **kwargs: Any) -> Any:
                self._note_arguments(key, args, kwargs)
                return await self._execute_async(key, partial(fn, *args, **kwargs))

            return call_async

        @wraps(fn, assigned=("__name__", "__qualname__", "__doc__"), updated=())
        def call(*args: Any, **kwargs: Any) -> Any:
            self._note_arguments(key, args, kwargs)
            return self._execute(key, partial(fn, *args, **kwargs))

        return call

    def _note_arguments(self, key: StepKey, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        text = ", ".join([*(shown(arg) for arg in args), *(f"{name}={shown(arg)}" for name, arg in kwargs.items())])
        before = self._arguments.setdefault(key, text)
        if before != text:
            self.others[key] = (before, text)

    def _is_left_out(self, key: StepKey) -> bool:
        self._on_step()
        self.begun[key] += 1
        return self.begun[key] in self._left_out.get(key, ()) and key in self._last

    def _again(self, key: StepKey) -> Any:
        match self._last[key]:
            case _Gave(value):
                return value
            case _Raised(error):
                raise error

    def _note(self, key: StepKey, value: Any) -> Any:
        self._last[key] = _Gave(value)
        return value

    def _execute(self, key: StepKey, call: Callable[[], Any]) -> Any:
        if self._is_left_out(key):
            return self._again(key)
        try:
            value = call()
        except Exception as error:
            self._last[key] = _Raised(error)
            raise
        return self._finish(key, value) if inspect.isawaitable(value) else self._note(key, value)

    async def _execute_async(self, key: StepKey, call: Callable[[], Awaitable[Any]]) -> Any:
        if self._is_left_out(key):
            return self._again(key)
        return await self._finish(key, call())

    async def _finish(self, key: StepKey, awaitable: Awaitable[Any]) -> Any:
        try:
            value = await awaitable
        except Exception as error:
            self._last[key] = _Raised(error)
            raise
        return self._note(key, value)
