"""How much of everything: FULL is what the tables say, TINY only shows that a workload still runs."""

from typing import Final, Literal, TypeAlias

import msgspec

Way: TypeAlias = Literal["def", "async"]
WAYS: Final[tuple[Way, ...]] = ("def", "async")


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers in the names of the figures are those of FULL."""

    ways: tuple[Way, ...] = WAYS
    """Kinds of functions; gathered steps are async."""
    repeats: int = 15
    """Runs of which a round's median is made."""
    few: int = 10
    many: int = 100
    branches: int = 100
    runs: int = 500
    steps_each: int = 5
    naps: int = 20
    nap_ms: int = 1_000
    histories: tuple[int, int, int] = (100, 1_000, 10_000)
    imports: int = 9
    cpu_steps: int = 3_000
    long: int = 30_000
    wide: int = 10_000
    joined: int = 1_000
    seeds: int = 200
    """That the simulator plays."""


FULL: Final = Sizes()
TINY: Final = Sizes(
    repeats=1,
    few=1,
    many=3,
    branches=3,
    runs=3,
    steps_each=2,
    naps=1,
    nap_ms=20,
    histories=(1, 2, 3),
    imports=1,
    cpu_steps=3,
    long=5,
    wide=3,
    joined=3,
    seeds=2,
)
