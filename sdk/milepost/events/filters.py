"""EventBridge content filters as a user writes them: is the shape one that EventBridge takes, and does each field exist.

Shape: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html, read 2026-11-22.
Matching is the engine's.
"""

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, NoReturn, get_args, get_origin
from uuid import UUID

from milepost.errors import DefinitionError
from milepost.fields import UnknownPath, fields_of, path_type, plain
from milepost.narrowing import is_dict, is_list, is_mapping

_COMPARISONS = ("<", "<=", ">", ">=", "=")
_LARGEST_NUMBER = 5_000_000_000
"""EventBridge compares numbers from minus this to this."""

_STRINGS = (str, datetime, date, time, timedelta, UUID, bytes)
_NUMBERS = (int, float, Decimal)


def check_filter(event: Any, where: Any) -> dict[str, Any]:
    """The filter with paths such as "customer.id" unfolded. Raises DefinitionError, naming the field."""
    label = f"Trigger({getattr(event, '__qualname__', event)}, where=)"
    if not is_mapping(where) or not where:
        raise DefinitionError(f'{label} is a mapping of fields to lists: where={{"total": [{{"numeric": [">", 100]}}]}}, not {where!r}')
    unfolded = _unfold(where, event)
    _check_object(label, event, unfolded, "")
    return unfolded


def _unfold(where: Mapping[Any, Any], event: Any) -> dict[str, Any]:
    """{"customer.id": [...]} as {"customer": {"id": [...]}}."""
    fields = fields_of(event) or {}
    result: dict[str, Any] = {}
    for name, rule in where.items():
        target: dict[str, Any] = result
        *outer, last = [name] if not isinstance(name, str) or name in fields else name.split(".")
        for step in outer:
            inner: Any = target.setdefault(step, {})
            target = inner if is_dict(inner) else {}
        target[last] = {**target.get(last, {}), **rule} if is_mapping(rule) else rule
    return result


def _refuse(label: str, path: str, why: str) -> NoReturn:
    raise DefinitionError(f"{label}: {path}: {why}" if path else f"{label}: {why}")


def _check_object(label: str, annotation: Any, where: Mapping[Any, Any], path: str) -> None:
    for name, rule in where.items():
        if not isinstance(name, str):
            _refuse(label, path, f"a field is named by a str, not {name!r}")
        if name == "$or":
            _check_or(label, annotation, rule, path)
            continue
        here = f"{path}.{name}" if path else name
        try:
            inner = path_type(annotation, name, into_items=True)
        except UnknownPath as unknown:
            known = f"the fields are {', '.join(unknown.known)}" if unknown.known else f"{path or 'the event'} has no fields"
            _refuse(label, here, f"there is no such field; {known}")
        if is_mapping(rule):
            if not rule:
                _refuse(label, here, "an empty object matches nothing")
            _check_object(label, inner, rule, here)
        elif is_list(rule) and rule:
            for matcher in rule:
                _check_matcher(label, inner, matcher, here)
        else:
            _refuse(
                label,
                here,
                f"a field is matched by a list of values, not {rule!r}: [{rule!r}]" if rule != [] else "an empty list matches nothing",
            )


def _check_or(label: str, annotation: Any, rule: Any, path: str) -> None:
    if not is_list(rule) or len(rule) < 2 or not all(is_mapping(part) and part for part in rule):
        _refuse(label, path, "$or takes a list of at least two objects")
    for part in rule:
        _check_object(label, annotation, part, path)


def _check_matcher(label: str, annotation: Any, matcher: Any, path: str) -> None:
    if is_mapping(matcher):
        if len(matcher) != 1:
            _refuse(label, path, f"one operator at a time, not {dict(matcher)!r}; put several into the list to match any of them")
        ((operator, operand),) = matcher.items()
        check = _OPERATORS.get(operator)
        if check is None:
            _refuse(label, path, f"there is no operator {operator!r}; there are {', '.join(sorted(_OPERATORS))}")
        if not check(operand):
            _refuse(label, path, f"{operator} takes {_OPERANDS[operator]}, not {operand!r}")
        needed = "number" if operator == "numeric" else "string" if operator in _STRING_OPERATORS else None
    else:
        needed = _literal_kind(matcher)
        if needed is None:
            _refuse(label, path, f"values are str, numbers, bool and None, not {matcher!r} ({type(matcher).__name__})")
    kinds = json_kinds(annotation)
    if needed is not None and kinds is not None and needed not in kinds:
        _refuse(label, path, f"{matcher!r} can never match: the field is {' or '.join(sorted(kinds))} in JSON")


def _literal_kind(value: object) -> str | None:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, str):
        return "string"
    return "number" if _is_number(value) else None


def _is_number(value: object) -> bool:
    return (
        isinstance(value, int | float | Decimal)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER
    )


def _is_numeric(operand: Any) -> bool:
    if not is_list(operand) or len(operand) not in (2, 4):
        return False
    pairs = list(zip(operand[::2], operand[1::2], strict=True))
    if not all(comparison in _COMPARISONS and _is_number(number) for comparison, number in pairs):
        return False
    return len(pairs) == 1 or (pairs[0][0] in (">", ">=") and pairs[1][0] in ("<", "<=") and pairs[0][1] < pairs[1][1])


def _is_text(operand: Any) -> bool:
    return isinstance(operand, str) and operand != ""


def _is_prefix(operand: Any) -> bool:
    return _is_text(operand) or (
        is_mapping(operand) and list(operand) == ["equals-ignore-case"] and _is_text(operand["equals-ignore-case"])
    )


def _is_wildcard(operand: Any) -> bool:
    return _is_text(operand) and "**" not in operand


_ANYTHING_BUT = ("equals-ignore-case", "prefix", "suffix", "wildcard")


def _is_anything_but(operand: Any) -> bool:
    if is_mapping(operand):
        operator, inner = next(iter(operand.items()), (None, None))
        texts: list[Any] = inner if is_list(inner) else [inner]
        return len(operand) == 1 and operator in _ANYTHING_BUT and bool(texts) and all(map(_is_text, texts))
    values: list[Any] = operand if is_list(operand) else [operand]
    return bool(values) and (all(isinstance(value, str) for value in values) or all(map(_is_number, values)))


def _is_cidr(operand: Any) -> bool:
    import ipaddress  # here: few filters need it

    try:
        ipaddress.ip_network(operand, strict=False)
    except ValueError:
        return False
    return isinstance(operand, str)


_OPERATORS: dict[str, Callable[[Any], bool]] = {
    "anything-but": _is_anything_but,
    "cidr": _is_cidr,
    "equals-ignore-case": lambda operand: isinstance(operand, str),
    "exists": lambda operand: isinstance(operand, bool),
    "numeric": _is_numeric,
    "prefix": _is_prefix,
    "suffix": _is_prefix,
    "wildcard": _is_wildcard,
}
_STRING_OPERATORS = ("cidr", "equals-ignore-case", "prefix", "suffix", "wildcard")
_OPERANDS = {
    "anything-but": "a value, a list of strings or of numbers, or one of prefix, suffix, equals-ignore-case and wildcard",
    "cidr": 'a network such as "10.0.0.0/24"',
    "equals-ignore-case": "a str",
    "exists": "True or False",
    "numeric": '[">", 100] or [">", 0, "<=", 5], with numbers from -5e9 to 5e9',
    "prefix": 'a str, or {"equals-ignore-case": str}',
    "suffix": 'a str, or {"equals-ignore-case": str}',
    "wildcard": "a str with single * in it",
}


def json_kinds(annotation: Any) -> frozenset[str] | None:
    """What values of an annotation (of its items, for a collection) are in JSON; None when that cannot be said."""
    kinds: set[str] = {"null"} if _allows_none(annotation) else set()
    for member in plain(annotation):
        origin = get_origin(member)
        if origin is Literal:
            kinds.update(filter(None, (_literal_kind(value.value if isinstance(value, Enum) else value) for value in get_args(member))))
        elif isinstance(member, type) and issubclass(member, Enum):
            kinds.update(filter(None, (_literal_kind(choice.value) for choice in member)))
        elif member is bool:
            kinds.add("boolean")
        elif member in _NUMBERS:
            kinds.add("number")
        elif member in _STRINGS:
            kinds.add("string")
        elif fields_of(member) is not None:
            kinds.add("object")
        elif isinstance(origin, type) and origin is not dict and get_args(member):
            inner = json_kinds(get_args(member)[0])
            if inner is None:
                return None
            kinds.update(inner)
        else:
            return None
    return frozenset(kinds)


def _allows_none(annotation: Any) -> bool:
    return type(None) in get_args(annotation) or annotation is type(None)
