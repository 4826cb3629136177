"""The original class of an error that is read back, and the class that is both it and an error of ours.

Looks only at what this process has loaded: reading an error back never imports a module.
"""

import sys
import threading
import types
from typing import Any, TypeVar, cast

B = TypeVar("B", bound=Exception)

_lock = threading.Lock()
_classes: dict[tuple[type[Exception], type[Exception]], type[Exception]] = {}

_HEAP_TYPE = 1 << 9
"""Py_TPFLAGS_HEAPTYPE: set for classes made by a class statement (CPython's object.h, read 2026-11-22)."""


def loaded_exception(type_name: str) -> type[Exception] | None:
    """The Exception class of this qualified name, if its module is loaded; nothing is imported."""
    parts = type_name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        module = sys.modules.get(".".join(parts[:cut]))
        if module is None:
            continue
        found: object = module
        for part in parts[cut:]:
            found = vars(found).get(part) if isinstance(found, type | types.ModuleType) else None
        if isinstance(found, type) and issubclass(found, Exception) and f"{found.__module__}.{found.__qualname__}" == type_name:
            return found
    return None


def joined(base: type[B], original: type[Exception]) -> type[B]:
    """The class derived from both, made once; ``base`` itself when they cannot be combined. Thread-safe."""
    with _lock:
        cls = _classes.get((base, original))
        if cls is None:
            cls = _classes[base, original] = _join(base, original)
    return cast("type[B]", cls)


def _join(base: type[Exception], original: type[Exception]) -> type[Exception]:
    if issubclass(original, base):
        return original
    if issubclass(base, original):
        return base
    try:
        return types.new_class(original.__name__, (base, original), exec_body=lambda names: names.update(__module__=original.__module__))
    except Exception:  # noqa: BLE001 - layouts that do not combine, metaclasses and __init_subclass__ of the user's: plain is the promise
        return base


def bare_instance(cls: type[B], message: str) -> B | None:
    """An instance whose ``args`` is ``(message,)``, made without ``__init__``; None for a class that is nothing without it."""
    # BaseException.__new__ refuses subclasses of OSError and the like: the built-in class nearest in the order makes it.
    builtin: Any = next(parent for parent in cls.__mro__ if not parent.__flags__ & _HEAP_TYPE)
    try:
        error: B = builtin.__new__(cls, message)
    except TypeError:  # such as ExceptionGroup, which is nothing without its exceptions
        return None
    error.args = (message,)
    return error
