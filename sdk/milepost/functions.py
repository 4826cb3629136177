"""Durable functions: what ``@app.function`` makes of a ``def`` and of an ``async def``; and, for the engine, all that an app knows of them.

It stands apart from `milepost.definitions` because it names `Step` and `AsyncStep`, which name `Function`.
"""

from collections.abc import Coroutine
from typing import Any, TypeVar

from milepost.async_step import AsyncStep
from milepost.definitions import CancelDefinition, Definitions, Function, FunctionDefinition, HasDefinitions, TriggerDefinition, is_async
from milepost.events import Failure
from milepost.step import Step

__all__ = [
    "AsyncFunction",
    "CancelDefinition",
    "DefFunction",
    "Definitions",
    "Failure",
    "Function",
    "FunctionDefinition",
    "HasDefinitions",
    "TriggerDefinition",
    "is_async",
    "make_function",
]

E_contra = TypeVar("E_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class DefFunction(Function[E_contra, R_co]):
    """A durable ``def``: still callable, with a Step of your own."""

    def __call__(self, event: E_contra, step: Step, /) -> R_co:
        """The plain body: no run, nothing recorded but what the given step records."""
        result: R_co = self.definition.body(event, step)
        return result


class AsyncFunction(Function[E_contra, R_co]):
    """A durable ``async def``: still callable, with an AsyncStep of your own."""

    def __call__(self, event: E_contra, step: AsyncStep, /) -> Coroutine[object, object, R_co]:
        """The plain body's coroutine: no run, nothing recorded but what the given step records."""
        coroutine: Coroutine[object, object, R_co] = self.definition.body(event, step)
        return coroutine


def make_function(definition: FunctionDefinition) -> Function[Any, Any]:
    """What ``@app.function`` puts in the place of the body."""
    return AsyncFunction(definition) if definition.is_async else DefFunction(definition)
