"""What a function's annotations say: codecs of results and arguments, and the digest of arguments."""

from __future__ import annotations

import functools
import subprocess
import sys
import types
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from milepost.codec import (
    NATIVE,
    Codec,
    UnresolvedAnnotationError,
    arguments_digest,
    decode_arguments,
    parameter_annotation,
    parameter_codecs,
    return_codec,
)
from milepost.errors import CodecError

if TYPE_CHECKING:
    from collections.abc import Sized as OnlyForCheckers


@dataclass(frozen=True)
class Receipt:
    id: str
    total: Decimal


def make(order: str, total: Decimal, *notes: str, rush: bool = False, **fields: int) -> Receipt:
    raise NotImplementedError


def says_something(a: Any, b: Any) -> Any:
    return [a, b]


says_nothing: Callable[..., Any] = types.FunctionType(says_something.__code__, globals())
assert says_nothing.__annotations__ == {}


def returns_none() -> None: ...


def later() -> DefinedBelow:
    raise NotImplementedError


def hidden() -> OnlyForCheckers:
    raise NotImplementedError


def unknown() -> Nowhere:  # type: ignore[name-defined]  # noqa: F821  # pyright: ignore[reportUndefinedVariable, reportUnknownParameterType]
    raise NotImplementedError


def no_type() -> 1 + 1:  # type: ignore[valid-type]  # pyright: ignore[reportInvalidTypeForm, reportUnknownParameterType]
    raise NotImplementedError


def not_storable() -> list[Callable[[], int]]:
    raise NotImplementedError


class DefinedBelow(msgspec.Struct):
    x: int


class Teller:
    def method(self) -> Receipt:
        raise NotImplementedError

    @classmethod
    def make(cls) -> Receipt:
        raise NotImplementedError

    @staticmethod
    def plain() -> Receipt:
        raise NotImplementedError

    def __call__(self, order: str) -> Receipt:
        raise NotImplementedError


@functools.wraps(make)
def wrapped(*args: Any, **kwargs: Any) -> Any:
    return make(*args, **kwargs)


@pytest.mark.parametrize(
    "fn",
    [
        make,
        functools.partial(make, "o-1"),
        functools.partial(functools.partial(make), "o"),
        Teller().method,
        Teller.make,
        Teller.plain,
        Teller(),
        wrapped,
        Receipt,
    ],
)
def test_the_return_annotation_of_every_callable(fn: Callable[..., Any]) -> None:
    assert return_codec(fn).annotation is Receipt


SILENT: list[Any] = [says_nothing, lambda: 1, len, print, "".join, functools.partial(says_nothing, 1)]


@pytest.mark.parametrize("fn", SILENT)
def test_without_annotation_it_is_native(fn: Callable[..., Any]) -> None:
    assert return_codec(fn) is NATIVE


def test_none() -> None:
    assert return_codec(returns_none).round_trip(None, "w") == (b"null", None)


def test_a_name_defined_later_in_the_module() -> None:
    assert return_codec(later).annotation is DefinedBelow


def test_the_answer_is_kept() -> None:
    assert return_codec(make) is return_codec(make)
    assert return_codec(make) is Codec.of(Receipt)


def test_a_name_of_the_closure() -> None:
    class Local(msgspec.Struct):
        x: int

    def local() -> list[Local]:
        return [Local(1)]

    assert return_codec(local).annotation == list[Local]


def test_a_name_of_the_decorating_frame() -> None:
    class Frame(msgspec.Struct):
        x: int

    localns = dict(locals())

    def local() -> Frame:
        raise NotImplementedError

    def outer() -> Callable[..., Any]:
        def inner() -> Frame:  # the name is no cell of this function: with deferred annotations nothing here uses it
            raise NotImplementedError

        return inner

    assert return_codec(outer(), localns).annotation is Frame
    assert return_codec(local, localns).annotation is Frame
    with pytest.raises(UnresolvedAnnotationError, match="'Frame'"):
        return_codec(outer())


def test_a_function_of_module_level_sees_its_module_before_the_frame() -> None:
    assert return_codec(functools.partial(make), {"Receipt": int}).annotation is Receipt


UNKNOWN: list[tuple[Any, str]] = [(unknown, "Nowhere"), (hidden, "OnlyForCheckers")]


@pytest.mark.parametrize(("fn", "name"), UNKNOWN)
def test_a_name_that_is_nowhere_is_named(fn: Callable[..., Any], name: str) -> None:
    with pytest.raises(UnresolvedAnnotationError, match=f"return annotation of {fn.__name__}.*'{name}'.*import it outside"):
        return_codec(fn)


NO_TYPES: list[tuple[Any, str]] = [(no_type, "no_type"), (not_storable, "list.*cannot be stored")]


@pytest.mark.parametrize(("fn", "message"), NO_TYPES)
def test_an_annotation_that_is_no_type(fn: Callable[..., Any], message: str) -> None:
    with pytest.raises(CodecError, match=message):
        return_codec(fn)


class Takes:
    def method(self, first: Decimal, second: Receipt) -> None: ...

    def __call__(self, first: Decimal, second: OnlyForCheckers) -> None: ...


@pytest.mark.parametrize(
    ("fn", "position", "expected"),
    [
        (make, 0, str),
        (make, 1, Decimal),
        (Takes().method, 1, Receipt),
        (functools.partial(make, "o-1"), 0, Decimal),
        (Takes(), 0, Decimal),
        (Takes(), 1, None),  # known to checkers only
        (make, 9, None),
        (says_nothing, 0, None),
        (functools.partial(make), 0, str),
        (abs, 0, None),
    ],
)
def test_what_a_parameter_is_annotated_as(fn: Callable[..., Any], position: int, expected: Any) -> None:
    assert parameter_annotation(fn, position) is expected


def test_parameters() -> None:
    codecs = parameter_codecs(make)
    assert {name: codec.annotation for name, codec in codecs.items()} == {
        "order": str,
        "total": Decimal,
        "notes": str,
        "rush": bool,
        "fields": int,
    }
    assert list(parameter_codecs(functools.partial(make, "o-1"))) == ["total", "notes", "rush", "fields"]
    assert list(parameter_codecs(Teller())) == ["order"]
    assert parameter_codecs(Receipt)["total"].annotation is Decimal
    assert parameter_codecs(says_nothing) == {"a": NATIVE, "b": NATIVE}


ARGUMENTS: list[tuple[Any, Any]] = [
    (["o-1", 9.5], (("o-1", Decimal("9.5")), {})),
    (["o-1", Decimal("9.50"), "a", "b"], (("o-1", Decimal("9.50"), "a", "b"), {})),
    ({"order": "o-1", "total": 3, "rush": True, "extra": 5}, (("o-1", Decimal(3)), {"rush": True, "extra": 5})),
]


@pytest.mark.parametrize(
    ("given", "expected"),
    ARGUMENTS,
    ids=str,
)
def test_arguments_from_json(given: Any, expected: Any) -> None:
    assert decode_arguments(make, given) == expected


def test_one_argument_that_is_neither_list_nor_object() -> None:
    def double(x: int) -> int:
        return 2 * x

    assert decode_arguments(double, 7) == ((7,), {})
    assert decode_arguments(says_nothing, [[1], {"a": None}]) == (([1], {"a": None}), {})


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["o-1"], r"the input does not fit make\(.*missing a required argument: 'total'"),
        ({"order": "o-1", "total": "x"}, r"'total' of make\(\)"),
        ([7, 1], r"'order' of make\(\) is not str: expected str, found 7"),
        (["o", 1, 7], "'notes'"),
        ({"order": "o", "total": 1, "extra": "x"}, "'fields'"),
        ("o-1", "missing a required argument"),
    ],
    ids=str,
)
def test_arguments_that_do_not_fit(given: Any, message: str) -> None:
    with pytest.raises(CodecError, match=message):
        decode_arguments(make, given)


def test_a_callable_without_signature() -> None:
    with pytest.raises(CodecError, match="does not say what its parameters are"):
        decode_arguments(type, [1])


class Opaque:
    pass


class Rude:
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError("no")


ANYTHING: list[Any] = [1 << 70, "\ud800", {1, "a"}, Opaque(), Opaque, len, {(1, 2): 3}, float("nan"), msgspec.UNSET]


@pytest.mark.parametrize("value", ANYTHING, ids=lambda value: type(value).__name__)
def test_a_digest_never_raises_and_is_stable(value: Any) -> None:
    assert arguments_digest((value,), {"k": value}) == arguments_digest((value,), {"k": value})


def test_a_digest_of_what_refuses_to_be_looked_at() -> None:
    assert arguments_digest((Rude(), 1), {}) == arguments_digest((Rude(), 1), {})
    assert arguments_digest((Rude(), 1), {}) != arguments_digest((Rude(), 2), {})


def test_a_digest_tells_values_apart() -> None:
    calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
        ((), {}), ((1,), {}), ((2,), {}), (("1",), {}), ((1, 2), {}), (([1, 2],), {}), ((), {"a": 1}), ((), {"b": 1}),
        ((Decimal("1.5"),), {}),
        ((Opaque(), 1), {}), ((Opaque(), 2), {}), ((1 << 70,), {}), ((1 << 71,), {}), (("\ud800",), {}), (("\ud801",), {}),
        ((Receipt("a", Decimal(1)),), {}),
    ]  # fmt: skip
    assert len({arguments_digest(*call) for call in calls}) == len(calls)


def test_a_digest_does_not_depend_on_the_order_of_keywords_or_on_the_process() -> None:
    assert arguments_digest((), {"a": 1, "b": 2}) == arguments_digest((), {"b": 2, "a": 1})
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; from milepost.codec import arguments_digest as d; import uuid;"
        "print(d(({'x', 'y', 'z'}, frozenset('abc'), object(), uuid.UUID(int=7)), {'k': 1 << 70}))"
    )
    expected = arguments_digest(({"x", "y", "z"}, frozenset("abc"), object(), uuid.UUID(int=7)), {"k": 1 << 70})
    for seed in ("1", "2"):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed})
        assert int(done.stdout) == expected
