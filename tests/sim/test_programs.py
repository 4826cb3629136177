"""The generator of systems: valid, mostly small, the same for the same seed; and what it makes smaller."""

from random import Random

from tests.sim.interpreter import Interpreter
from tests.sim.programs import (
    BRANCHED,
    INVOKES,
    MOST_RUNS,
    WAITS,
    Node,
    System,
    flat,
    operations,
    places,
    runs,
    smaller,
    system,
    weight,
)


def problem(system: System) -> str | None:
    """What makes a system none."""
    for index, program in enumerate(system.programs):
        nodes = flat(program.root)
        waits = [place.node.name for place in places(program.root) if place.node.op in WAITS and place.path == place.node.name]
        if len({node.name for node in nodes}) != len(nodes) or program.name != f"p{index}":
            return "names"
        for node in nodes:
            if node.op in INVOKES and not index < node.target < len(system.programs):
                return f"{node.name}: target"
            if node.op == "send" and node.to not in waits:
                return f"{node.name}: a wait that is not there"
            if node.mode in ("gather", "group", "asyncio") and not program.is_async:
                return f"{node.name}: in a def"
            if node.mode == "least" and not node.amount:
                return f"{node.name}: one of none"
            if bool(node.children) != (node.op in (*BRANCHED, "seq", "try")):
                return f"{node.name}: {len(node.children)} children"
    return None


def depth(node: Node) -> int:
    return 1 + max((depth(child) for child in node.children), default=-1)


def test_systems_are_valid_small_mostly_and_the_same_for_the_same_seed() -> None:
    sizes: list[int] = []
    ops: set[str] = set()
    for seed in range(1_000):
        made = system(Random(seed))
        assert problem(made) is None
        assert made == system(Random(seed))
        for index, program in enumerate(made.programs):
            sizes.append(len(flat(program.root)) - 1)
            ops.update(node.op for node in flat(program.root))
            assert 1 <= sizes[-1] <= 30
            assert depth(program.root) <= 4
            assert runs(made, index) <= MOST_RUNS
    assert 6 < sum(sizes) / len(sizes) < 10
    assert sorted(sizes)[len(sizes) // 2] <= 7
    assert ops == {name.removeprefix("op_") for name in dir(Interpreter) if name.startswith("op_")}


def test_what_is_smaller_is_valid_and_smaller_down_to_one_run() -> None:
    for seed in range(12):
        made = system(Random(seed))
        while True:
            options = list(smaller(made))
            for option in options:
                assert problem(option) is None
                assert weight(option) < weight(made)
            if not options:
                break
            made = Random(seed).choice(options)
        assert operations(made) == 1
