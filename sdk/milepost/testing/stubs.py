"""Stubs: what stands in for a step's function in a test."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from milepost.engine import keys
from milepost.engine.worker import Worker

_SUBMIT: Final = "~submit"
"""What the engine adds to the path of a callback for the step that hands out its token."""


class Stubs:
    """Values and callables by function and step path."""

    def __init__(self) -> None:
        self._by_step: dict[tuple[str, str], object] = {}

    def add(self, function: str, step: str, value: object) -> None:
        """Let this stand in from now on."""
        self._by_step[function, step] = value

    def on(self, worker: Worker) -> Worker:
        """The same worker, with stubs."""
        return replace(worker, stub=self.find)

    def find(self, function: str, path: str, fn: Callable[..., Any]) -> Callable[..., Any]:
        """What to call in the place of a step's function."""
        shown = keys.unescape_path(path)
        group = shown.rpartition("/")[0]
        for name in (shown, group, shown.removesuffix(_SUBMIT)):
            if (function, name) in self._by_step:
                value = self._by_step[function, name]
                return value if callable(value) else _constant(value)
        return fn


def _constant(value: object) -> Callable[..., object]:
    return lambda *_args, **_kwargs: value
