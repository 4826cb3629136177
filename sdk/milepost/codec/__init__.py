"""Values as JSON and back: what is stored reads back as what it was, or is refused when it is stored."""

from milepost.codec.digest import arguments_digest
from milepost.codec.shapes import UnresolvedAnnotationError
from milepost.codec.signatures import (
    decode_arguments,
    first_parameter_codec,
    parameter_annotation,
    parameter_codecs,
    resolve,
    return_codec,
)
from milepost.codec.values import NATIVE, Codec, encode

__all__ = [
    "NATIVE",
    "Codec",
    "UnresolvedAnnotationError",
    "arguments_digest",
    "decode_arguments",
    "encode",
    "first_parameter_codec",
    "parameter_annotation",
    "parameter_codecs",
    "resolve",
    "return_codec",
]
