"""What a function says about itself: codecs of its return value and its parameters, from its annotations.

Annotations are resolved with the function's closure, its module's globals and the locals of the frame that the durable
function was decorated in. A name that cannot be found is an error that says so, never a value rebuilt as something else.
"""

import functools
import inspect
import types
import typing
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from milepost.codec.shapes import UnresolvedAnnotationError
from milepost.codec.values import NATIVE, Codec, encode
from milepost.errors import CodecError
from milepost.narrowing import is_dict, is_list

_MISSING = object()


def return_codec(fn: Callable[..., Any], localns: Mapping[str, Any] | None = None) -> Codec:
    """The codec of what a callable returns; `NATIVE` where it says nothing. About a microsecond when called again.

    Takes functions, methods, functools.partial, classes, and objects with ``__call__``. Raises CodecError.
    """
    known = _recent.get(fn) if type(fn) is types.FunctionType else None
    if known is not None:
        return known
    function = fn if type(fn) is types.FunctionType else _function(fn)
    if isinstance(function, type):
        return Codec.of(function)
    if function is None:
        return NATIVE
    known = _returns.get(function)
    if known is None:
        annotation = resolve(function, localns, "return")
        known = NATIVE if annotation is _MISSING else _codec(annotation, f"the return annotation of {function.__qualname__}()")
        _returns[function] = known
    if len(_recent) >= _MOST_RECENT:
        _recent.clear()
    _recent[function] = known
    return known


_recent: dict[types.FunctionType, Codec] = {}
"""A few of them, found at once: `_returns` keeps no function alive, and takes longer."""
_MOST_RECENT = 256

_returns: weakref.WeakKeyDictionary[types.FunctionType, Codec] = weakref.WeakKeyDictionary()


def _codec(annotation: Any, what: str) -> Codec:
    try:
        return Codec.of(annotation)
    except CodecError as error:
        raise CodecError(f"{what}: {error}") from error


def _function(fn: Any) -> types.FunctionType | type[Any] | None:
    """The plain function whose annotations speak for a callable, a class for itself, None for what has none (built-ins)."""
    while True:
        if isinstance(fn, functools.partial):
            fn = cast(Any, fn).func
        elif isinstance(fn, types.MethodType):
            fn = fn.__func__
        elif not isinstance(fn, type) and hasattr(fn, "__wrapped__"):
            fn = fn.__wrapped__
        elif isinstance(fn, types.FunctionType | type):
            return fn
        elif isinstance(fn, types.BuiltinFunctionType | types.MethodWrapperType):
            return None
        else:
            call = getattr(cast(Any, type(fn)), "__call__", None)  # noqa: B004 - the method itself is wanted, not whether it can be called
            if not isinstance(call, types.FunctionType):
                return None
            fn = call


def resolve(function: types.FunctionType, localns: Mapping[str, Any] | None, name: str) -> Any:
    """The annotation of a parameter, or of "return", as an object; a sentinel that equals nothing when there is none.

    Raises UnresolvedAnnotationError for a name that is not known (or not yet).
    """
    where = (
        f"the annotation of {name!r} of {function.__qualname__}()"
        if name != "return"
        else f"the return annotation of {function.__qualname__}()"
    )
    try:
        annotation = function.__annotations__.get(name, _MISSING)
        if annotation is _MISSING or isinstance(annotation, type):
            return annotation
        return typing.get_type_hints(_bearer(annotation), *_namespaces(function, localns), include_extras=True)["it"]
    except NameError as error:
        raise UnresolvedAnnotationError(
            f"{where} cannot be resolved: the name {error.name!r} is known neither in {function.__module__} nor in the function's closure, "
            "nor where the durable function is decorated. Define it there, or import it outside `if TYPE_CHECKING`"
        ) from error
    except (TypeError, AttributeError, SyntaxError) as error:
        raise CodecError(f"{where} cannot be resolved: {error}") from error


def _bearer(annotation: Any) -> Callable[[], None]:
    """Something with just this one annotation, for typing.get_type_hints."""

    def bearer() -> None: ...

    bearer.__annotations__ = {"it": annotation}
    return bearer


def _namespaces(function: types.FunctionType, localns: Mapping[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Globals and locals, innermost last to be asked first: a function of module level sees its module before any frame."""
    if "<locals>" not in function.__qualname__:
        return {**(localns or {}), **function.__globals__}, {}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return function.__globals__, {**(localns or {}), **dict(_contents(cells))}


def _contents(cells: typing.Iterable[tuple[str, types.CellType]]) -> typing.Iterator[tuple[str, Any]]:
    for name, cell in cells:
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue


def parameter_codecs(fn: Callable[..., Any], localns: Mapping[str, Any] | None = None) -> dict[str, Codec]:
    """The codec of each parameter, in order; `NATIVE` for those without annotation. Raises CodecError."""
    return {name: _parameter_codec(fn, localns, name) for name in _signature(fn).parameters}


def first_parameter_codec(fn: Callable[..., Any], localns: Mapping[str, Any] | None = None) -> Codec:
    """The codec of the first parameter alone: the others may be what cannot be stored. Raises CodecError."""
    known = _firsts.get(fn) if type(fn) is types.FunctionType else None
    if known is None:
        known = _parameter_codec(fn, localns, next(iter(_signature(fn).parameters)))
        if type(fn) is types.FunctionType:
            _firsts[fn] = known
    return known


_firsts: weakref.WeakKeyDictionary[types.FunctionType, Codec] = weakref.WeakKeyDictionary()


def parameter_annotation(fn: Callable[..., Any], position: int, localns: Mapping[str, Any] | None = None) -> Any:
    """What the parameter at this place, from 0, is annotated as; None where it says nothing, or nothing that is known yet.

    Raises CodecError for what does not say its parameters.
    """
    names = list(_signature(fn).parameters)
    function = _function(fn)
    if position >= len(names) or not isinstance(function, types.FunctionType):
        return None
    try:
        annotation = resolve(function, localns, names[position])
    except CodecError:  # whoever needs the type says so; here it is only looked at
        return None
    return None if annotation is _MISSING else annotation


def _parameter_codec(fn: Callable[..., Any], localns: Mapping[str, Any] | None, name: str) -> Codec:
    function = _function(fn)
    if isinstance(function, type):
        function = _function(function.__init__)
    annotation = resolve(function, localns, name) if isinstance(function, types.FunctionType) else _MISSING
    return NATIVE if annotation is _MISSING else _codec(annotation, f"the annotation of {name!r} of {_label(fn)}()")


def _label(fn: Any) -> str:
    return getattr(fn, "__qualname__", None) or type(fn).__qualname__


def _signature(fn: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(fn)
    except (TypeError, ValueError) as error:
        raise CodecError(f"{_label(fn)}() does not say what its parameters are") from error


def decode_arguments(
    fn: Callable[..., Any], json_value: Any, localns: Mapping[str, Any] | None = None
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments for a callable, typed by hand as JSON: a list is positional, an object is by keyword, all else is one argument.

    ``json_value`` is the JSON decoded; numbers may be Decimals. Raises CodecError when it does not fit the parameters.
    """
    given: Sequence[Any] = json_value if is_list(json_value) else ()
    named: Mapping[str, Any] = json_value if is_dict(json_value) else {}
    if not is_list(json_value) and not is_dict(json_value):
        given = [json_value]
    try:
        bound = _signature(fn).bind(*given, **named)
    except TypeError as error:
        raise CodecError(f"the input does not fit {_label(fn)}{_signature(fn)}: {error}") from error
    codecs = parameter_codecs(fn, localns)
    for name, value in bound.arguments.items():
        what = f"{name!r} of {_label(fn)}()"
        match bound.signature.parameters[name].kind:
            case inspect.Parameter.VAR_POSITIONAL:
                bound.arguments[name] = tuple(_argument(codecs[name], part, what) for part in value)
            case inspect.Parameter.VAR_KEYWORD:
                bound.arguments[name] = {key: _argument(codecs[name], part, what) for key, part in value.items()}
            case _:
                bound.arguments[name] = _argument(codecs[name], value, what)
    return bound.args, bound.kwargs


def _argument(codec: Codec, value: Any, what: str) -> Any:
    return codec.decode(encode(value, what), what)
