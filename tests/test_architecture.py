"""Holds the parts of the code to their order: who may import whom, what the engine must not know, how long a file may be.

The order is that of ``docs/design``: imports run down only. The second half plants each violation in a small tree and
asserts that it is found, so that a check which has gone blind is seen here.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.architecture import (
    Layer,
    Module,
    bare_excepts,
    clock_reads,
    forbidden_imports,
    import_cycles,
    imports_outside,
    long_files,
    long_functions,
    read_tree,
    wrong_directions,
)

ROOT = Path(__file__).resolve().parents[1]
FAMILY = frozenset({"milepost", "milepost_handlers", "milepost_cdk"})

LAYERS = (
    Layer(parts=frozenset({"error_info", "originals", "timestamps", "narrowing", "log", "wall_clock"})),
    Layer(parts=frozenset({"errors"})),
    Layer(parts=frozenset({"codec"})),
    Layer(
        parts=frozenset(
            {"fields", "options", "definitions", "registration", "events", "functions", "step", "async_step", "runs", "contract"}
        ),
        peers=True,
    ),
    Layer(parts=frozenset({"engine"})),
    Layer(parts=frozenset({"aws", "local"})),
    Layer(parts=frozenset({"doors"})),
    Layer(parts=frozenset({"app"})),
    Layer(parts=frozenset({"loading"})),
    Layer(parts=frozenset({"testing", "costing", "dev", "cli", "__main__"}), peers=True),
)
"""Bottom to top."""

ENGINE_MUST_NOT_KNOW = {
    "boto3": "AWS is behind the ports",
    "botocore": "AWS is behind the ports",
    "sqlite3": "storage is behind the ports",
    "time": "the clock is a port",
    "random": "chance would differ on replay: hash an identity",
    "secrets": "chance would differ on replay: hash an identity",
    "uuid": "ids are derived from identities",
    "socket": "the network is behind the ports",
}

FILE_LINES = 400
FUNCTION_LINES = 60
HANDLER_LINES = 60
CALLS_HANDLERS = "milepost.testing.moto.lambdas"
"""The only module of the SDK that knows handlers: it stands in for Lambda, which calls them."""

LONG_FILES: Mapping[str, str] = {
    "milepost.step": "one protocol: signatures, the overloads that keep the types of branches, and what each call promises",
    "milepost.async_step": "the same protocol, awaitable",
}
"""Module to reason."""

LONG_FUNCTIONS: Mapping[str, str] = {}
"""Module and function to reason."""


def report(violations: list[str]) -> str:
    return "\n" + "\n".join(violations)


@pytest.fixture(scope="module")
def sdk() -> dict[str, Module]:
    return read_tree(ROOT / "sdk", "milepost")


@pytest.fixture(scope="module")
def shipped(sdk: dict[str, Module]) -> dict[str, Module]:
    return sdk | read_tree(ROOT / "handlers", "milepost_handlers") | read_tree(ROOT / "cdk_app", "milepost_cdk")


# ---- the repository --------------------------------------------------------------------------------------------------


def test_the_tree_was_found(sdk: dict[str, Module]) -> None:
    assert "milepost.engine.ports" in sdk


def test_imports_run_down_only(sdk: dict[str, Module]) -> None:
    found = wrong_directions(sdk, "milepost", LAYERS)
    assert not found, report(found)


def test_no_import_cycles(shipped: dict[str, Module]) -> None:
    found = import_cycles(shipped)
    assert not found, report(found)


def test_the_engine_knows_only_ports(sdk: dict[str, Module]) -> None:
    found = forbidden_imports(sdk, "milepost.engine", ENGINE_MUST_NOT_KNOW) + clock_reads(sdk, "milepost.engine")
    assert not found, report(found)


def test_the_sdk_knows_neither_handlers_nor_constructs(sdk: dict[str, Module]) -> None:
    caller = {name: module for name, module in sdk.items() if name == CALLS_HANDLERS}
    rest = {name: module for name, module in sdk.items() if name not in caller}
    found = imports_outside(rest, FAMILY, frozenset()) + imports_outside(caller, FAMILY - {"milepost_handlers"}, frozenset())
    assert not found, report(found)


def test_handlers_and_constructs_do_not_know_each_other() -> None:
    handlers = read_tree(ROOT / "handlers", "milepost_handlers")
    constructs = read_tree(ROOT / "cdk_app", "milepost_cdk")
    found = imports_outside(handlers, frozenset({"milepost_cdk"}), frozenset())
    found += imports_outside(constructs, FAMILY, frozenset({"milepost.contract"}))
    assert not found, report(found)


def test_a_lambda_function_is_its_environment_and_one_call() -> None:
    handlers = read_tree(ROOT / "handlers", "milepost_handlers")
    found = long_files(handlers, HANDLER_LINES, {})
    assert not found, f"what a Lambda function does is the SDK's: {report(found)}"


def test_files_and_functions_hold_one_concept(shipped: dict[str, Module]) -> None:
    found = long_files(shipped, FILE_LINES, LONG_FILES) + long_functions(shipped, FUNCTION_LINES, LONG_FUNCTIONS)
    assert not found, report(found)


def test_exceptions_to_size_are_still_needed(shipped: dict[str, Module]) -> None:
    long = "\n".join(long_files(shipped, FILE_LINES, {}) + long_functions(shipped, FUNCTION_LINES, {}))
    stale = [name for name in (*LONG_FILES, *LONG_FUNCTIONS) if f" {name} has " not in long]
    assert not stale, f"short enough by now, strike them from the list: {stale}"


def test_no_bare_except(shipped: dict[str, Module]) -> None:
    found = bare_excepts(shipped)
    assert not found, report(found)


# ---- the checks find what is planted ---------------------------------------------------------------------------------

Plant = Callable[..., dict[str, Module]]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Makes a package ``shop`` and reads it: keywords are files at its top, the mapping files of packages in it."""

    def make(deeper: Mapping[str, str] | None = None, **files: str) -> dict[str, Module]:
        for name, text in {"__init__": "", **(deeper or {}), **files}.items():
            path = tmp_path / "shop" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return read_tree(tmp_path, "shop")

    return make


TWO_STOREYS = (
    Layer(parts=frozenset({"cellar"})),
    Layer(parts=frozenset({"left", "right"})),
    Layer(parts=frozenset({"roof", "attic"}), peers=True),
)


def test_an_import_down_is_right(plant: Plant) -> None:
    tree = plant(cellar="", roof="from shop.cellar import x", attic="import shop.roof\nimport shop")
    assert wrong_directions(tree, "shop", TWO_STOREYS) == []


@pytest.mark.parametrize(
    "text",
    [
        "import shop.roof",
        "from shop.roof import tile",
        "from shop import roof",
        "from . import roof",
        "from .roof import tile",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.roof import tile",
        "def f():\n    from shop.roof import tile",
        "class C:\n    def m(self):\n        import shop.roof as r",
        "try:\n    pass\nexcept OSError:\n    import shop.roof",
        "import importlib\nimportlib.import_module('shop.roof')",
        "from importlib import import_module\nimport_module('shop.roof')",
        "__import__('shop.roof')",
    ],
)
def test_an_import_up_is_found_wherever_it_stands(plant: Plant, text: str) -> None:
    [found] = wrong_directions(plant(cellar=text, roof="tile = 1"), "shop", TWO_STOREYS)
    assert "shop.cellar imports shop.roof, which is above it" in found


def test_an_import_sideways_is_found(plant: Plant) -> None:
    [found] = wrong_directions(plant(left="import shop.right", right=""), "shop", TWO_STOREYS)
    assert "which stands beside it" in found


def test_an_import_of_the_front_is_found(plant: Plant) -> None:
    [found] = wrong_directions(plant(cellar="from shop import tile", roof=""), "shop", TWO_STOREYS)
    assert "the front that re-exports everything" in found


def test_a_module_that_stands_nowhere_is_found(plant: Plant) -> None:
    found = wrong_directions(plant(garage="", cellar="import shop.garage"), "shop", TWO_STOREYS)
    assert any("shop.garage stands in no layer" in line for line in found)
    assert any("shop.cellar imports shop.garage, which stands in no layer" in line for line in found)


def test_parts_of_a_package_may_know_each_other_and_relative_imports_are_resolved(plant: Plant) -> None:
    tree = plant({"cellar/__init__": "from .wine import red", "cellar/wine": "from ..roof import tile"}, roof="tile = 1")
    [found] = wrong_directions(tree, "shop", TWO_STOREYS)
    assert "shop.cellar.wine imports shop.roof" in found


@pytest.mark.parametrize(
    "last",
    [
        "import shop.a",
        "from shop.a import x",
        "def f():\n    import shop.a",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import shop.a",
    ],
)
def test_a_cycle_is_told_with_every_import_in_it(plant: Plant, last: str) -> None:
    tree = plant(a="import shop.b", b="\nfrom shop import c", c=last, d="import shop.a")
    [found] = import_cycles(tree)
    assert found.startswith("import cycle shop.a → shop.b → shop.c → shop.a: a.py:1 imports shop.b; b.py:2 imports shop.c; c.py:")


def test_a_cycle_through_a_package_front_is_found(plant: Plant) -> None:
    tree = plant({"cellar/__init__": "from shop.cellar.wine import red", "cellar/wine": "from shop.cellar import red"})
    [found] = import_cycles(tree)
    assert "shop.cellar → shop.cellar.wine → shop.cellar" in found


def test_a_diamond_is_no_cycle(plant: Plant) -> None:
    assert import_cycles(plant(a="import shop.b, shop.c", b="import shop.d", c="import shop.d", d="")) == []


@pytest.mark.parametrize(
    "text", ["import time", "from time import monotonic", "def f():\n    import boto3.session", "from sqlite3 import connect"]
)
def test_forbidden_knowledge_is_found(plant: Plant, text: str) -> None:
    tree = plant({"cellar/__init__": "import timeit", "cellar/wine": text}, roof=text)
    [found] = forbidden_imports(tree, "shop.cellar", ENGINE_MUST_NOT_KNOW)
    assert "shop.cellar.wine imports" in found


@pytest.mark.parametrize(
    "text",
    [
        "import datetime\ndatetime.datetime.now()",
        "import datetime as d\nd.date.today()",
        "from datetime import datetime\ndatetime.now(None)",
        "from datetime import datetime as moment\nread = moment.utcnow",
    ],
)
def test_a_read_of_the_clock_is_found(plant: Plant, text: str) -> None:
    [found] = clock_reads(plant(cellar=text, roof=text), "shop.cellar")
    assert "only Clock reads the clock" in found


def test_the_clock_port_may_be_read(plant: Plant) -> None:
    assert (
        clock_reads(plant(cellar="from datetime import datetime\ndef f(clock, at: datetime):\n    return clock.now()"), "shop.cellar") == []
    )


def test_knowledge_of_another_distribution_part_is_found(plant: Plant) -> None:
    tree = plant(cellar="import shop_cdk.table", roof="import shop_core.contract\nimport shop_core.engine")
    found = imports_outside(tree, frozenset({"shop", "shop_cdk", "shop_core"}), frozenset({"shop_core.contract"}))
    assert [line.split(": ")[1] for line in found] == ["shop.cellar imports shop_cdk.table", "shop.roof imports shop_core.engine"]


def test_a_long_file_is_found_unless_it_is_listed(plant: Plant) -> None:
    tree = plant(cellar="x = 1\n" * 11, roof="x = 1\n" * 10)
    [found] = long_files(tree, 10, {})
    assert "shop.cellar has 11 lines" in found
    assert long_files(tree, 10, {"shop.cellar": "only overloads"}) == []


def test_a_long_function_is_found_and_its_docstring_does_not_count(plant: Plant) -> None:
    body = "    x = 1\n" * 5
    docstring = '    """One\n\n    two\n    """\n'
    tree = plant(cellar=f"class C:\n  async def long(self):\n{body}", roof=f"def documented():\n{docstring}{body[:-10]}")
    [found] = long_functions(tree, 5, {})
    assert "shop.cellar.long has 6 lines" in found
    assert long_functions(tree, 5, {"shop.cellar.long": "a table"}) == []


def test_a_bare_except_is_found(plant: Plant) -> None:
    [found] = bare_excepts(plant(cellar="try:\n    pass\nexcept:\n    raise", roof="try:\n    pass\nexcept ValueError:\n    raise"))
    assert found.startswith("cellar.py:3")
