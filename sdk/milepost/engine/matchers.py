"""One element of a leaf of an event pattern: ``"x"``, ``{"prefix": "x"}``, ``{"numeric": [">", 5]}`` ... as a test of one value.

Pure. The operators are those of EventBridge's user guide, "Comparison operators for use in event patterns"
(docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html, read 2026-11-22); what that leaves open is as
its open-source rule engine has it (event-ruler 2.1.0: `make contract-ruler`). Numbers are compared exactly, 300 and 300.0 are
equal; one that a double does not hold to its last digit is not comparable.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from math import isfinite
from typing import Any, Final, NamedTuple, TypeAlias, TypeGuard

Test: TypeAlias = Callable[[Any], bool]
"""Of one JSON value that is there: a string, a number, a boolean or None."""

_COMPARE: Final[dict[str, Callable[[Decimal, Decimal], bool]]] = {
    "=": lambda found, bound: found == bound,
    "<": lambda found, bound: found < bound,
    "<=": lambda found, bound: found <= bound,
    ">": lambda found, bound: found > bound,
    ">=": lambda found, bound: found >= bound,
}
_EXACT: Final = 2**53
"""Integers up to this are doubles."""
_BAD_ESCAPE: Final = re.compile(r"\\(?:[^*\\]|$)")
_UNESCAPED: Final = {"\\\\": "\\", "\\*": "*"}
_WILDCARD_PARTS: Final = re.compile(r"\\\\|\\\*|\*|[^*\\]+")


class PatternError(ValueError):
    """An element of a pattern is malformed. The message says what is wrong and what is allowed."""


class Matcher(NamedTuple):
    """What an element asks of a field: a test of its value, or that it be absent."""

    test: Test
    wants_absent: bool = False


def matcher(element: Any) -> Matcher:
    """The meaning of an element. Raises PatternError."""
    if not is_object(element):
        return Matcher(_exactly(element))
    if len(element) != 1:
        raise PatternError(f"an element has exactly one operator, this one has {', '.join(map(str, element)) or 'none'}")
    [(name, operand)] = element.items()
    if name == "exists":
        if not isinstance(operand, bool):
            raise PatternError(f"exists takes true or false, not {operand!r}")
        return Matcher(_anything) if operand else Matcher(_nothing, wants_absent=True)
    operator = _OPERATORS.get(name)
    if operator is None:
        raise PatternError(f"there is no operator {name!r}: there are {', '.join(sorted([*_OPERATORS, 'exists']))}")
    return Matcher(operator(operand))


def is_object(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """A JSON object."""
    return isinstance(value, Mapping)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """A JSON array."""
    return isinstance(value, list)


def is_number(value: Any) -> bool:
    """Booleans are none."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _anything(_value: Any) -> bool:
    return True


def _nothing(_value: Any) -> bool:
    return False


def _exactly(wanted: Any) -> Test:
    if is_number(wanted):
        number = _decimal(wanted)
        return lambda value: is_number(value) and _decimal(value) == number
    if wanted is None or isinstance(wanted, str | bool):
        return lambda value: type(value) is type(wanted) and bool(value == wanted)
    raise PatternError(f"{wanted!r} is none of: string, number, true, false, null, an operator")


def _prefix(operand: Any) -> Test:
    wanted, fold = _text_or_ignoring_case("prefix", operand)
    return lambda value: isinstance(value, str) and fold(value).startswith(wanted)


def _suffix(operand: Any) -> Test:
    wanted, fold = _text_or_ignoring_case("suffix", operand)
    return lambda value: isinstance(value, str) and fold(value).endswith(wanted)


def _equals_ignore_case(operand: Any) -> Test:
    wanted = _text("equals-ignore-case", operand).lower()
    return lambda value: isinstance(value, str) and value.lower() == wanted


def _wildcard(operand: Any) -> Test:
    text = _text("wildcard", operand)
    if _BAD_ESCAPE.search(text.replace("\\\\", "")):
        raise PatternError(f"wildcard {text!r}: a backslash stands before * or another backslash only")
    parts: list[str] = _WILDCARD_PARTS.findall(text)
    if any(one == another == "*" for one, another in pairwise(parts)):
        raise PatternError(f"wildcard {text!r}: one * is enough, two in a row are not allowed")
    literals = [""]
    for part in parts:
        if part == "*":
            literals.append("")
        else:
            literals[-1] += _UNESCAPED.get(part, part)
    return lambda value: isinstance(value, str) and _has_in_order(value, literals)


def _has_in_order(value: str, literals: Sequence[str]) -> bool:
    """Whether the value is these texts with anything between them. Linear, whatever the number of stars."""
    first, last = literals[0], literals[-1]
    if len(literals) == 1:
        return value == first
    if not (value.startswith(first) and value.endswith(last) and len(value) >= len(first) + len(last)):
        return False
    at, end = len(first), len(value) - len(last)
    for literal in literals[1:-1]:
        found = value.find(literal, at, end)
        if found < 0:
            return False
        at = found + len(literal)
    return True


def _cidr(operand: Any) -> Test:
    from ipaddress import ip_address, ip_network

    text = _text("cidr", operand)
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise PatternError(f"cidr {text!r}: {error}; write it like 10.0.0.0/24 or 2001:db8::/32") from error
    if network.num_addresses == 1:
        raise PatternError(f"cidr {text!r} is one address: write it as a value, without cidr")

    def test(value: Any) -> bool:
        if not isinstance(value, str):
            return False
        try:
            return ip_address(value) in network
        except ValueError:
            return False

    return test


def _numeric(operand: Any) -> Test:
    if not is_list(operand) or len(operand) not in (2, 4):
        raise PatternError(f'numeric takes one comparison or a range, like ["<", 10] or [">", 0, "<=", 5], not {operand!r}')
    terms = [(operand[place], operand[place + 1]) for place in range(0, len(operand), 2)]
    for sign, bound in terms:
        if not isinstance(sign, str) or sign not in _COMPARE or not is_number(bound):
            raise PatternError(f"numeric: {sign!r} {bound!r} is not one of = < <= > >= and a number")
        _check_comparable("numeric", bound)
    if len(terms) == 2:
        (low_sign, low), (high_sign, high) = terms
        if low_sign not in (">", ">=") or high_sign not in ("<", "<=") or not _decimal(low) < _decimal(high):
            raise PatternError(f'numeric: a range is a lower bound, then a greater upper one, like [">", 0, "<=", 5], not {operand!r}')
    comparisons = [(_COMPARE[sign], _decimal(bound)) for sign, bound in terms]

    def test(value: Any) -> bool:
        return is_number(value) and _is_comparable(value) and all(compare(_decimal(value), bound) for compare, bound in comparisons)

    return test


def _anything_but(operand: Any) -> Test:
    if is_object(operand):
        if len(operand) != 1 or next(iter(operand)) not in _ANYTHING_BUT:
            raise PatternError(f"anything-but takes values, or one of {', '.join(sorted(_ANYTHING_BUT))}, not {operand!r}")
        [(name, wanted)] = operand.items()
        if name in ("prefix", "suffix") and "" in _listed(wanted):
            raise PatternError(f"anything-but: every text has the {name} '', so nothing would match")
        tests = [_OPERATORS[name](_text(name, text)) for text in _listed(wanted)]
    else:
        values = _listed(operand)
        if not (all(isinstance(value, str) for value in values) or all(map(is_number, values))):
            raise PatternError(f"anything-but takes strings only, or numbers only, not {operand!r}")
        for value in values:
            _check_comparable("anything-but", value)
        tests = [_exactly(value) for value in values]
    return lambda value: not any(test(value) for test in tests)


def _listed(operand: Any) -> list[Any]:
    values: list[Any] = operand if is_list(operand) else [operand]
    if not values:
        raise PatternError("anything-but takes at least one value")
    return values


def _text(name: str, operand: Any) -> str:
    if not isinstance(operand, str):
        raise PatternError(f"{name} takes a string, not {operand!r}")
    return operand


def _text_or_ignoring_case(name: str, operand: Any) -> tuple[str, Callable[[str], str]]:
    if is_object(operand) and list(operand) == ["equals-ignore-case"]:
        return _text(f"{name} of equals-ignore-case", operand["equals-ignore-case"]).lower(), str.lower
    return _text(name, operand), str


def _is_comparable(number: float | Decimal) -> bool:
    """Whether a double holds it to its last digit."""
    if isinstance(number, float) or (-_EXACT <= number <= _EXACT and number == int(number)):
        return True
    nearest = float(number)
    return isfinite(nearest) and Decimal(repr(nearest)) == number


def _check_comparable(name: str, operand: Any) -> None:
    if is_number(operand) and not _is_comparable(operand):
        raise PatternError(f"{name}: {operand} has more digits than can be compared: 15 always can")


def _decimal(value: float | Decimal) -> Decimal:
    """A float by its shortest decimal form, as it is written in JSON."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


_ANYTHING_BUT: Final = frozenset({"prefix", "suffix", "equals-ignore-case", "wildcard"})
_OPERATORS: Final[dict[str, Callable[[Any], Test]]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
    "cidr": _cidr,
    "numeric": _numeric,
    "anything-but": _anything_but,
}
OPERATORS: Final = frozenset({*_OPERATORS, *_COMPARE, "exists", "exactly"})
"""What has a meaning of its own in an element: EventBridge takes a field of such a name for one inside $or."""
