"""Runs every case twice from one source: as it is written, with `def` bodies, and as its async twin (tests/async_twin.py).

The twin's tests are `file.py::async::test_name`; `file.py::async` and `-k async` select twins, `-k "not async"` the others.
A case says what of it has no twin, and why:

    pytestmark = pytest.mark.def_only("reason")      the module, or one test
    pytestmark = pytest.mark.def_steps("reason")     its twin's bodies are async, the functions of its steps stay def
    @pytest.mark.async_fails("reason")               it fails, and should not: an xfail of the twin alone
"""

import ast
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest
from _pytest.assertion.rewrite import rewrite_asserts  # what pytest does with each test module that it imports itself

from tests.async_twin import NoTwinError, async_twin, has_bodies

Collected = Iterable[pytest.Item | pytest.Collector]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "def_only(reason): the case has no async twin")
    config.addinivalue_line("markers", "def_steps(reason): the functions of the case's steps stay def in its twin")
    config.addinivalue_line("markers", "async_fails(reason): the twin fails, and should not")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    return Case.from_parent(parent, path=module_path)  # pyright: ignore[reportUnknownMemberType]


class Case(pytest.Module):
    """A file of tests/cases: its tests, and their twins."""

    def collect(self) -> Collected:
        yield from super().collect()
        if self.get_closest_marker("def_only") is None and has_bodies(ast.parse(self.path.read_bytes())):
            yield Twin.from_parent(self, path=self.path, name="async", nodeid=f"{self.nodeid}::async")  # pyright: ignore[reportUnknownMemberType]


class Twin(pytest.Module):
    """The async twin of a case: a module of its own, so that neither sees what the other does."""

    def _getobj(self) -> ModuleType:
        source = self.path.read_bytes()
        try:
            tree = async_twin(source, def_steps=self.get_closest_marker("def_steps") is not None)
        except NoTwinError as error:
            raise self.CollectError(f"{self.path}, {error}; or mark it: pytestmark = pytest.mark.def_only('reason')") from error
        rewrite_asserts(tree, source, str(self.path), self.config)
        return _executed(f"{self.path.stem}__async", tree, self.path)

    def collect(self) -> Collected:
        for item in super().collect():
            if item.get_closest_marker("def_only") is not None:
                continue
            fails = item.get_closest_marker("async_fails")
            if fails is not None:
                item.add_marker(pytest.mark.xfail(strict=True, reason=fails.args[0]))
            yield item


def _executed(name: str, tree: ast.Module, path: Path) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    exec(compile(tree, str(path), "exec", dont_inherit=True), vars(module))
    return module
