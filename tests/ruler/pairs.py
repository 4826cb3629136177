"""Pairs of an event pattern and an event, as JSON, drawn from seeds: few names and values, so that most pairs nearly match.

A pattern is drawn for its event: it mostly asks for fields that are there, and for what stands in them, or almost.
"""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Self

from milepost.narrowing import is_dict, is_list

NAMES: Final = ("a", "b", "c", "d-e")
TEXTS: Final = (
    "",
    "a",
    "ab",
    "abc",
    "abcabc",
    "ABC",
    "Ab",
    "b",
    "a*b",
    "a\\b",
    "*",
    "x/y.png",
    "file-10.PNG",
    "ÄÖ",
    "äö",
    "straße",
    "𝄞a",
    "5",
    "10.0.0.1",
)
NUMBERS: Final = (
    "0",
    "-0.0",
    "1",
    "1.0",
    "5",
    "5.5",
    "-3",
    "301.8",
    "3.018e2",
    "0.000001",
    "1e3",
    "999999999",
    "-4999999999.5",
    "300",
    "1E+2",
    "-0.25",
    "5000000000.5",
    "9007199254740992",
    "-1e40",
)
ODD_NUMBERS: Final = ("9007199254740993", "1e309", "0.1234567890123456789")
"""No double holds them."""
ADDRESSES: Final = (
    "10.0.0.1",
    "10.0.1.255",
    "192.168.0.7",
    "0.0.0.0",
    "255.255.255.255",
    "2001:db8::1",
    "::1",
    "2001:DB8:0:0::ff",
    "10.0.0",
)
NETWORKS: Final = ("10.0.0.0/24", "10.0.0.0/8", "192.168.0.0/16", "10.0.0.9/30", "2001:db8::/32", "2001:d00::/24", "ff00::/8")
"""None so wide that event-ruler 2.1.0 takes addresses of the other kind, or numbers, for a part of it, as it does for 0.0.0.0/1."""
MALFORMED: Final[tuple[Any, ...]] = (
    {"cidr": "10.0.0.1"},
    {"cidr": "10.0.0.1/32"},
    {"cidr": "::1/128"},
    {"anything-but": {"prefix": ""}},
    {"anything-but": {"suffix": ["a", ""]}},
    {"anything-but": []},
    {"anything-but": ["a", 1]},
    {"anything-but": [None]},
    {"anything-but": {"cidr": "10.0.0.0/8"}},
    {"wildcard": "a**b"},
    {"wildcard": "a\\b"},
    {"wildcard": 5},
    {"prefix": 5},
    {"suffix": {"prefix": "a"}},
    {"equals-ignore-case": None},
    {"exists": "yes"},
    {"numeric": [">", 5, "<", 5]},
    {"numeric": ["<", 5, ">", 1]},
    {"numeric": [">"]},
    {"numeric": ["<>", 1]},
    {"numeric": ["=", "5"]},
    {"numeric": []},
    {"prefix": "a", "suffix": "b"},
    {"perfix": "a"},
    {},
    ["a"],
)


class Pair(NamedTuple):
    """One question: does a rule with this pattern take this event?"""

    seed: int
    pattern: str
    event: str


def pairs(count: int, first: int = 0) -> Iterator[Pair]:
    """So many, of these seeds on."""
    for seed in range(first, first + count):
        yield pair(seed)


def pair(seed: int) -> Pair:
    """The one of a seed."""
    drawn = _Drawn(random.Random(seed))
    event = drawn.object(0)
    return Pair(seed, _json(drawn.pattern(event, 0)), _json(event))


class _Number(float):
    """A number that is written as it was drawn."""

    def __new__(cls, text: str) -> Self:
        drawn = super().__new__(cls, float(text))
        drawn.text = text
        return drawn

    text: str

    def __repr__(self) -> str:
        return self.text


def _json(value: Any) -> str:
    if isinstance(value, _Number):
        return value.text
    if is_dict(value):
        return "{" + ",".join(f"{json.dumps(name)}:{_json(below)}" for name, below in value.items()) + "}"
    if is_list(value):
        return "[" + ",".join(map(_json, value)) + "]"
    return json.dumps(value)


class _Drawn:
    """What one seed draws."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    # ---- events ------------------------------------------------------------------------------------------------------

    def object(self, depth: int) -> dict[str, Any]:
        rng = self._rng
        names = rng.sample(NAMES, k=rng.randint(0 if depth else 1, 3))
        return {name: self.value(depth + 1) for name in names}

    def value(self, depth: int) -> Any:
        rng = self._rng
        drawn = rng.random()
        if drawn < 0.2 and depth < 4:
            return self.object(depth)
        if drawn < 0.4 and depth < 4:
            return [self.value(depth + 1) for _ in range(rng.choice((0, 1, 2, 2, 3)))]
        return self.scalar()

    def scalar(self) -> Any:
        rng = self._rng
        drawn = rng.random()
        if drawn < 0.5:
            return rng.choice(TEXTS)
        if drawn < 0.8:
            return self._number()
        if drawn < 0.9:
            return rng.choice(ADDRESSES)
        return rng.choice((True, False, None))

    def _number(self) -> _Number:
        return _Number(self._rng.choice(NUMBERS if self._rng.random() < 0.98 else ODD_NUMBERS))

    # ---- patterns ----------------------------------------------------------------------------------------------------

    def pattern(self, event: Any, depth: int) -> dict[str, Any]:
        """One that mostly asks for what is there."""
        rng = self._rng
        below = self._objects(event)
        there = sorted({name for each in below for name in each})
        names = rng.sample(there, k=min(len(there), rng.choice((1, 1, 2, 3))))
        if not names or rng.random() < 0.15:
            names.append(rng.choice([name for name in NAMES if name not in names]))
        asked = [(name, self._asked([each[name] for each in below if name in each], depth)) for name in names]
        if depth < 3 and rng.random() < 0.2:
            branches = [self.pattern(event, depth + 1) for _ in range(rng.choice((2, 2, 3)))]
            asked.insert(rng.randint(0, len(asked)), ("$or", branches if rng.random() < 0.98 else branches[:1]))
            if rng.random() < 0.02:
                branches[0][rng.choice(("prefix", "exists", "="))] = ["a"]
        return dict(asked)

    def _asked(self, found: Sequence[Any], depth: int) -> Any:
        rng = self._rng
        values = [value for each in found for value in _flat(each)]
        nested = [value for value in values if is_dict(value)]
        if (nested and rng.random() < 0.9) or (depth < 3 and rng.random() < 0.05):
            return self.pattern(nested, depth + 1)
        plain = [value for value in values if not is_dict(value)] or [self.scalar()]
        return [self._element(rng.choice(plain)) for _ in range(rng.choice((1, 1, 1, 2, 3)))]

    def _objects(self, value: Any) -> list[dict[str, Any]]:
        return [each for each in _flat(value) if is_dict(each)]

    def _element(self, near: Any) -> Any:
        """One element of a leaf, about a value."""
        rng = self._rng
        if rng.random() < 0.25:
            near = self.scalar()
        if rng.random() < 0.005:
            return rng.choice(MALFORMED)
        if rng.random() < 0.12:
            return {"exists": rng.random() < 0.6}
        if rng.random() < 0.25:
            return near
        if isinstance(near, _Number):
            return rng.choice((self._numeric, self._anything_but))(near)
        if isinstance(near, str):
            kinds: list[Callable[[str], Any]] = [self._prefix, self._suffix, self._ignoring, self._wildcard, self._anything_but, self._cidr]
            return rng.choices(kinds, weights=(2, 2, 1, 3, 3, 6 if near in ADDRESSES else 0.3))[0](near)
        return near

    def _numeric(self, near: _Number) -> Any:
        rng = self._rng
        other = self._number()
        low, high = sorted((near, other))
        if low != high and rng.random() < 0.5:
            return {"numeric": [rng.choice((">", ">=")), low, rng.choice(("<", "<=")), high]}
        return {"numeric": [rng.choice(("=", "<", "<=", ">", ">=")), rng.choice((near, other))]}

    def _prefix(self, near: str) -> Any:
        text = near[: self._rng.randint(0, len(near))]
        return {"prefix": self._perhaps_ignoring(text)}

    def _suffix(self, near: str) -> Any:
        text = near[self._rng.randint(0, len(near)) :]
        return {"suffix": self._perhaps_ignoring(text)}

    def _perhaps_ignoring(self, text: str) -> Any:
        return {"equals-ignore-case": self._turned(text)} if self._rng.random() < 0.4 else text

    def _ignoring(self, near: str) -> Any:
        return {"equals-ignore-case": self._turned(near)}

    def _turned(self, text: str) -> str:
        """In another case; but not 𝄞, to which event-ruler 2.1.0 finds nothing equal."""
        return self._rng.choice((text, text.upper(), text.lower(), text.swapcase())).replace("𝄞", "")

    def _wildcard(self, near: str) -> Any:
        return {"wildcard": self._with_stars(near)}

    def _with_stars(self, near: str) -> str:
        """The text with stars in the place of some of it; now and then with a letter too many."""
        rng = self._rng
        text = "".join({"*": "\\*", "\\": "\\\\"}.get(letter, letter) if rng.random() < 0.7 else "*" for letter in near)
        if rng.random() < 0.5:
            text = rng.choice((f"*{text}", f"{text}*", f"*{text}*", f"{text}b", f"*a{text}"))
        while "**" in text:
            text = text.replace("**", "*")
        return text

    def _cidr(self, near: str) -> Any:
        return {"cidr": self._rng.choice(NETWORKS)}

    def _anything_but(self, near: Any) -> Any:
        rng = self._rng
        if isinstance(near, _Number):
            others = [self._number() for _ in range(rng.randint(0, 2))]
            return {"anything-but": near if not others and rng.random() < 0.5 else [near, *others]}
        texts = [near, *(rng.choice(TEXTS) for _ in range(rng.randint(0, 2)))]
        kind = rng.choice(("values", "values", "prefix", "suffix", "equals-ignore-case", "wildcard"))
        wanted: Any = [self._part(kind, text) for text in texts]
        wanted = wanted[0] if len(wanted) == 1 and rng.random() < 0.5 else wanted
        return {"anything-but": wanted if kind == "values" else {kind: wanted}}

    def _part(self, kind: str, text: str) -> str:
        match kind:
            case "prefix":
                return text[: self._rng.randint(1, len(text) + 1)] or "a"
            case "suffix":
                return text[self._rng.randint(0, max(0, len(text) - 1)) :] or "a"
            case "equals-ignore-case":
                return self._turned(text)
            case "wildcard":
                return self._with_stars(text)
            case _:
                return text


def _flat(value: Any) -> Iterator[Any]:
    if is_list(value):
        for each in value:
            yield from _flat(each)
    else:
        yield value
