"""EventBridge's InputTransformer: the text that a rule's target is sent in the place of the event.

A placeholder ``<name>`` stands for what its input path finds in the event, or is one of EventBridge's own (``<aws.events.…>``).
Within quotes it becomes part of the string; elsewhere it becomes JSON (user guide, "Input transformation", read 2026-11-22).
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from milepost.narrowing import is_dict, is_sequence

_PLACEHOLDER: Final = re.compile(r"<([A-Za-z0-9_.-]+)>")
_STEP: Final = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]|\['([^']*)'\]")
_MISSING: Final = object()
_encode = msgspec.json.Encoder(decimal_format="number").encode


class TransformError(ValueError):
    """The template and the event make no JSON: EventBridge would deliver nothing."""


def transform(template: str, paths: Mapping[str, str], event: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """The text for the target. ``own``: EventBridge's own variables; a `msgspec.Raw` among them stands as it is.
    Raises TransformError.
    """
    values = {name: _found(path, event) for name, path in paths.items()} | dict(own)
    parts: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        parts.append(template[end : match.start()])
        end = match.end()
        name = match[1]
        if name not in values:
            raise TransformError(f"the template has <{name}>, and no input path of that name")
        parts.append(_written(values[name], is_quoted=_is_within_quotes(template, match.start())))
    text = "".join([*parts, template[end:]])
    if template.lstrip()[:1] in ("{", "["):
        _check(text)
    return text


def _check(text: str) -> None:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        raise TransformError(f"the template makes no JSON of the event: {error}: {text[:200]}") from error


def _is_within_quotes(template: str, at: int) -> bool:
    return len(re.findall(r'(?<!\\)"', template[:at])) % 2 == 1


def _written(value: Any, *, is_quoted: bool) -> str:
    if value is _MISSING:
        return "" if is_quoted else "null"
    text = bytes(value).decode() if isinstance(value, msgspec.Raw) else _encode(value).decode()
    if not is_quoted:
        return text
    return text[1:-1] if isinstance(value, str) else _encode(text).decode()[1:-1]


def _found(path: str, event: Any) -> Any:
    """What a JSON path such as ``$.detail.items[0]`` finds."""
    if path == "$":
        return event
    found, end = event, 1
    while end < len(path):
        step = _STEP.match(path, end)
        if step is None or not path.startswith("$"):
            raise TransformError(f"{path!r} is no input path: they look like $.detail.order_id")
        end = step.end()
        found = _below(found, step)
        if found is _MISSING:
            return _MISSING
    return found


def _below(value: Any, step: re.Match[str]) -> Any:
    if step[2] is not None:
        number = int(step[2])
        return value[number] if is_sequence(value) and number < len(value) else _MISSING
    return value.get(step[1] or step[3], _MISSING) if is_dict(value) else _MISSING
