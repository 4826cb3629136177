"""Wraps the call of a step's function, so that it runs under the step's path: what it logs then says so."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeAlias

Naming: TypeAlias = Callable[[Mapping[str, str]], AbstractContextManager[None]]


def in_step(naming: Naming, path: str, call: Callable[[], Any]) -> Callable[[], Any]:
    """The same call; of an async function again one, which is under the path for as long as it runs."""
    keys = {"step": path}

    async def awaited(awaitable: Awaitable[Any]) -> Any:
        with naming(keys):
            return await awaitable

    if inspect.iscoroutinefunction(_function(call)):

        async def call_async() -> Any:
            with naming(keys):
                return await call()

        return call_async

    def call_here() -> Any:
        with naming(keys):
            value = call()
        return awaited(value) if inspect.isawaitable(value) else value

    return call_here


def _function(call: Callable[[], Any]) -> Callable[..., Any]:
    while isinstance(call, partial):
        call = call.func
    return call
