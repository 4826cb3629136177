"""Puts something in the place of a part of moto, and takes it away again."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

_ABSENT: Any = object()


@contextmanager
def replaced(owner: Any, name: str, value: object) -> Generator[None, None, None]:
    """Within it the owner, a class or a module, has this attribute; after it what it had before."""
    before = owner.__dict__.get(name, _ABSENT)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is _ABSENT:
            delattr(owner, name)
        else:
            setattr(owner, name, before)
