"""`Codec`: one annotation's way to JSON and back, and the refusal of what would not come back as it was.

Laws: what `encode` accepts is valid JSON; a Decimal is a JSON number and reads back exactly; what `round_trip` returns is
what every later `decode` of its bytes returns; a value is refused before anything is written, never changed in silence.
"""

import re
from functools import lru_cache
from typing import Any, Never, NoReturn, TypeVar

import msgspec

from milepost.codec import models
from milepost.codec.differences import difference, find_unsupported, found, native_problem
from milepost.codec.shapes import Shape, annotation_name, shape_of
from milepost.errors import CodecError, ValueNotStorable
from milepost.narrowing import is_dict, is_list


def _enc_hook(value: Any) -> Any:
    if models.is_model(value):
        return models.dump(value)
    return models.number_text(value)


def _dec_hook(cls: type[Any], value: Any) -> Any:
    if cls is object:  # dict[str, object]: like Any
        return value
    try:
        return models.load(cls, value)
    except ValueError as error:
        raise ValueError(models.problem(error)) from error


_ENCODER = msgspec.json.Encoder(enc_hook=_enc_hook, decimal_format="number")
_PLAIN = msgspec.json.Decoder()
_SUSPECTS = (b"null", b"NaN", b"Infinity", b"nan", b"inf")
"""What msgspec writes where a number is not finite; only then is the value searched for one."""


def encode(value: Any, what: str) -> bytes:
    """A value of any supported kind as JSON. ``what`` names it in errors: "the result of step 'charge'".

    Raises ValueNotStorable for an unsupported type, a number that is not finite, a key that is no string, a value that
    contains itself, and text that is not Unicode.
    """
    try:
        raw = _ENCODER.encode(value)
        if any(suspect in raw for suspect in _SUSPECTS):
            _refuse_not_finite(value, what)
        _PLAIN.decode(raw)
    except (TypeError, ValueError, RecursionError, msgspec.DecodeError) as error:
        raise _not_storable(value, what, error) from error
    return raw


def _refuse_not_finite(value: Any, what: str) -> None:
    problem = find_unsupported(value)
    if problem is not None:
        raise ValueNotStorable(f"{what} cannot be stored: {problem}")


def _not_storable(value: Any, what: str, error: Exception) -> ValueNotStorable:
    if isinstance(error, ValueNotStorable):
        return error
    if isinstance(error, RecursionError):
        return ValueNotStorable(f"{what} cannot be stored: {found(value)} contains itself, or is nested too deeply")
    if isinstance(error, UnicodeEncodeError):
        return ValueNotStorable(f"{what} cannot be stored: it holds text with a lone surrogate, which no JSON can carry")
    problem = str(find_unsupported(value) or error)
    return ValueNotStorable(
        f"{what} cannot be stored: {problem}. Supported are dataclasses, msgspec.Struct, TypedDict, pydantic models, JSON types, datetime, "
        "date, time, timedelta, Decimal, UUID, bytes, set, tuple and Enum",
        problem=problem,
    )


class Codec:
    """One annotation's values as JSON and back. Made by `Codec.of`, shared by threads."""

    __slots__ = ("_decoder", "_shape", "annotation")

    def __init__(self, annotation: Any, shape: Shape) -> None:
        self.annotation = annotation
        self._shape = shape
        float_hook = models.NumberText.read if shape.has_models else None
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(annotation, dec_hook=_dec_hook, float_hook=float_hook)

    @staticmethod
    def of(annotation: Any) -> "Codec":
        """The codec of a resolved annotation; `NATIVE` for Any, object, a bare type variable and NoReturn.

        Raises CodecError for a type that cannot be stored, naming it.
        """
        try:
            return _codec_of(annotation)
        except TypeError as error:
            if "unhashable" not in str(error):  # such as Annotated[int, [1]]
                raise
            return _make(annotation)

    @property
    def name(self) -> str:
        """The annotation as written in errors."""
        return annotation_name(self.annotation)

    def encode(self, value: Any, what: str) -> bytes:
        """As the first half of `round_trip`. Raises ValueNotStorable."""
        return self.round_trip(value, what)[0]

    def decode(self, raw: bytes | str, what: object) -> Any:
        """Rebuild a value; ``what`` it is, as text, is asked for only if need be. Raises CodecError saying which field does not
        fit, and what was found there.
        """
        try:
            return self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            problem = explain(error, raw)
            raise CodecError(f"{what} is not {self.name}: {problem}", problem=problem) from error

    def round_trip(self, value: Any, what: str) -> tuple[bytes, Any]:
        """The JSON of a value, and what it reads back as: the first run sees what every replay sees.

        Raises ValueNotStorable when the value does not fit the annotation, naming both, or cannot be stored at all.
        """
        try:
            raw = _ENCODER.encode(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise _not_storable(value, what, error) from error
        try:
            again = self._decoder.decode(raw)
        except (msgspec.DecodeError, RecursionError) as error:
            raise self._misfit(value, what, explain(error, raw)) from error
        if self._shape.is_loose or type(again) is not type(value) or again != value:
            problem = difference(value, again)
            if problem is not None:
                raise self._misfit(value, what, str(problem))
        return raw, again

    def _misfit(self, value: Any, what: str, problem: str) -> ValueNotStorable:
        wrong = str(find_unsupported(value) or problem)
        return ValueNotStorable(
            f"{what} does not fit its annotation {self.name}: {wrong} (the value is a {type(value).__qualname__})", problem=wrong
        )

    def __repr__(self) -> str:
        return f"Codec.of({self.name})"


class _NativeCodec(Codec):
    """Values without an annotation: exactly the types that JSON has, which rebuild themselves."""

    __slots__ = ()

    def round_trip(self, value: Any, what: str) -> tuple[bytes, Any]:
        problem = native_problem(value)
        if problem is not None:
            raise ValueNotStorable(
                f"{what} cannot be stored without an annotation: {problem}. "
                "Without one only None, bool, int, float, str, list and dict with str keys are rebuilt as they are; "
                "annotate the step function: `def f(...) -> <Type>`"
            )
        try:
            raw = _ENCODER.encode(value)
            return raw, self._decoder.decode(raw)
        except (TypeError, ValueError, RecursionError, msgspec.DecodeError) as error:
            raise _not_storable(value, what, error) from error


NATIVE: Codec = _NativeCodec(Any, Shape(has_models=False, is_loose=False))
"""The codec of a value without annotation: None, bool, int, finite float, str, list, and dict with str keys."""


@lru_cache(maxsize=4_096)
def _codec_of(annotation: Any) -> Codec:
    return _make(annotation)


def _make(annotation: Any) -> Codec:
    if annotation in (Any, object, NoReturn, Never) or isinstance(annotation, TypeVar):
        return NATIVE
    return Codec(annotation, shape_of(annotation))


_PATH = re.compile(r"(?P<message>.*?)(?: - at `(?P<key>key in )?\$(?P<path>[^`]*)`)?", re.DOTALL)


def explain(error: Exception, raw: bytes | str) -> str:
    """Which field does not fit, what was expected, and what was found: "total: expected int, found 'x' (str)"."""
    match = _PATH.fullmatch(str(error))
    if not isinstance(error, msgspec.ValidationError) or match is None:
        return str(error)
    message = match["message"].replace("`", "")
    message = message[:1].lower() + message[1:]
    path = (match["path"] or "").lstrip(".")
    missing = re.fullmatch(r"object missing required field (.+)", message)
    if missing is not None:
        return f"{f'{path}.' if path else ''}{missing[1]}: is missing"
    expected = re.sub(r", got \w+$", "", message)
    text = f"{expected}{_found_at(raw, path) if expected != message and not match['key'] else ''}"
    return f"{path}: {text}" if path else text


def _found_at(raw: bytes | str, path: str) -> str:
    value: Any = _PLAIN.decode(raw)
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+|\.\.\.)\]", path):
        if name and is_dict(value):
            value = value.get(name)
        elif index.isdigit() and is_list(value):
            value = value[int(index)]
        else:
            return ""
    return f", found {found(value)}"
