"""Durable functions: `DefFunction`, what ``@app.function`` makes of a ``def``; and, for the engine, all that an app knows of them.

It stands apart from `milepost.definitions` because it names `Step`, which names `Function`.
"""

from typing import TypeVar

from milepost.definitions import CancelDefinition, Definitions, Function, FunctionDefinition, HasDefinitions, TriggerDefinition
from milepost.events import Failure
from milepost.step import Step

__all__ = [
    "CancelDefinition",
    "DefFunction",
    "Definitions",
    "Failure",
    "Function",
    "FunctionDefinition",
    "HasDefinitions",
    "TriggerDefinition",
]

E_contra = TypeVar("E_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class DefFunction(Function[E_contra, R_co]):
    """A durable ``def``: still callable, with a Step of your own."""

    def __call__(self, event: E_contra, step: Step, /) -> R_co:
        """The plain body: no run, nothing recorded but what the given step records."""
        result: R_co = self.definition.body(event, step)
        return result
