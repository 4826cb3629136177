"""Runs every case from one source: as it is written, with `def` bodies, and as its async twin (tests/async_twin.py), each in
every mode (tests/case_modes.py).

    file.py::test_name                             as it is written
    file.py::async::test_name                      its twin: `file.py::async` and `-k async` select twins, `-k "not async"` the others
    file.py::always-suspend::test_name             in another mode, so does `-k always-suspend`; `-k one-step`
    file.py::async::always-suspend::test_name      its twin in another mode
    file.py::simulated-1::test_name                in the simulator, with the first seed; `-k simulated`, `-k simulated-rough`
    file.py::moto::test_name                       on moto; `-k "::moto::"` is every case on it

A case says what of it has no twin, or does not run in a mode, and why:

    pytestmark = pytest.mark.def_only("reason")                       the module, or one test
    pytestmark = pytest.mark.def_steps("reason")                      its twin's bodies are async, the functions of its steps stay def
    @pytest.mark.async_fails("reason")                                it fails, and should not: an xfail of the twin alone
    pytestmark = pytest.mark.modes("normal", reason="it counts ...")  the module, or one test: the modes that it runs in
    pytestmark = pytest.mark.modes(without="simulated-rough", reason="it counts ...")
"""

import ast
import sys
from collections.abc import Generator, Iterable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import CodeType, ModuleType
from zlib import crc32

import pytest
from _pytest.assertion.rewrite import rewrite_asserts  # what pytest does with each test module that it imports itself

from milepost.definitions import HasDefinitions
from milepost.engine.worker import PACE
from milepost.testing import Sandbox
from tests.async_twin import NoTwinError, async_twin, has_bodies
from tests.case_modes import MARKER, MODES, SHORT, Mode, allows, check_marker, opens_sandboxes
from tests.sim.box import PROFILE, Profile, SimulatedBox

Collected = Iterable[pytest.Item | pytest.Collector]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "def_only(reason): the case has no async twin")
    config.addinivalue_line("markers", "def_steps(reason): the functions of the case's steps stay def in its twin")
    config.addinivalue_line("markers", "async_fails(reason): the twin fails, and should not")
    config.addinivalue_line("markers", f"{MARKER}(*names, without, reason): the modes in which the case runs, when not in all")


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module:
    return Case.from_parent(parent, path=module_path)  # pyright: ignore[reportUnknownMemberType]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    paced = item.getparent(Paced)
    if paced is None:
        return (yield)
    pace = PACE.set(paced.mode.pace)
    profile = PROFILE.set(paced.profile)
    try:
        return (yield)
    finally:
        PROFILE.reset(profile)
        PACE.reset(pace)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    paced = item.getparent(Paced)
    if report.failed and paced is not None and paced.mode.seeds and SimulatedBox.opened is not None:
        report.sections.append(("What happened in the box", SimulatedBox.opened.told()))
    return report


class Case(pytest.Module):
    """A file of tests/cases: its tests, and their twins."""

    @cached_property
    def code(self) -> CodeType:
        source = self.path.read_bytes()
        return _rewritten(self, ast.parse(source), source)

    def collect(self) -> Collected:
        yield from super().collect()
        if not has_bodies(ast.parse(self.path.read_bytes())):
            return
        yield from _paced(self)
        if self.get_closest_marker("def_only") is None:
            yield Twin.from_parent(self, path=self.path, name="async", nodeid=f"{self.nodeid}::async")  # pyright: ignore[reportUnknownMemberType]


class Twin(pytest.Module):
    """The async twin of a case: a module of its own, so that neither sees what the other does."""

    @cached_property
    def code(self) -> CodeType:
        source = self.path.read_bytes()
        try:
            tree = async_twin(source, def_steps=self.get_closest_marker("def_steps") is not None)
        except NoTwinError as error:
            raise self.CollectError(f"{self.path}, {error}; or mark it: pytestmark = pytest.mark.def_only('reason')") from error
        return _rewritten(self, tree, source)

    def _getobj(self) -> ModuleType:
        return _executed(f"{self.path.stem}__async", self.code, self.path)

    def collect(self) -> Collected:
        yield from _twins(super().collect())
        yield from _paced(self)


class MotoBox(Sandbox):
    """A Sandbox that is on moto."""

    def __init__(self, app: HasDefinitions, /, *, start: datetime | None = None) -> None:
        super().__init__(app, backend="moto", start=start)


class Paced(pytest.Module):
    """A case, or its twin, in another mode than the normal one: a module of its own as well."""

    @property
    def of(self) -> Case | Twin:
        assert isinstance(self.parent, Case | Twin)
        return self.parent

    @property
    def mode(self) -> Mode:
        return next(mode for mode in MODES if any(name == self.name for name, _ in mode.nodes))

    @property
    def profile(self) -> Profile:
        """Each case has seeds of its own, so that all of them together see many mixtures of faults."""
        seed = crc32(f"{self.path.stem} {self.of.name} {self.name}".encode())
        return Profile(seed=seed, is_rough=self.mode.is_rough)

    def _getobj(self) -> ModuleType:
        kind = "async__" if isinstance(self.of, Twin) else ""
        module = _executed(f"{self.path.stem}__{kind}{self.name.replace('-', '_')}", self.of.code, self.path)
        if self.mode.needs_sandboxes and getattr(module, "Sandbox", None) is Sandbox:
            vars(module)["Sandbox"] = SimulatedBox if self.mode.seeds else MotoBox
        return module

    def collect(self) -> Collected:
        found = _twins(super().collect()) if isinstance(self.of, Twin) else super().collect()
        return [item for item in found if _runs_in(item, self.mode.name)]


def _paced(of: Case | Twin) -> Collected:
    opens = opens_sandboxes(ast.parse(of.path.read_bytes()))
    for mode in MODES:
        if _runs_in(of, mode.name) and (opens or not mode.needs_sandboxes):
            for name, seed in mode.nodes:
                is_long = seed > SHORT or (mode.is_on_moto and isinstance(of, Twin))
                if is_long and of.config.option.markexpr == "not long":
                    continue  # to import so many modules, and to run none of them, would take longer than the tests
                paced = Paced.from_parent(of, path=of.path, name=name, nodeid=f"{of.nodeid}::{name}")  # pyright: ignore[reportUnknownMemberType]
                if is_long:
                    paced.add_marker(pytest.mark.long)
                yield paced


def _twins(found: Collected) -> Collected:
    for item in found:
        if item.get_closest_marker("def_only") is not None:
            continue
        fails = item.get_closest_marker("async_fails")
        if fails is not None:
            item.add_marker(pytest.mark.xfail(strict=True, reason=fails.args[0]))
        yield item


def _runs_in(node: pytest.Item | pytest.Collector, mode: str) -> bool:
    marks = list(node.iter_markers(MARKER))
    for mark in marks:
        wrong = check_marker(mark.args, mark.kwargs)
        if wrong is not None:
            raise pytest.Collector.CollectError(f"{node.nodeid}: {wrong}")
    return all(allows(mark.args, mark.kwargs, mode) for mark in marks)


def _rewritten(node: pytest.Module, tree: ast.Module, source: bytes) -> CodeType:
    rewrite_asserts(tree, source, str(node.path), node.config)
    return compile(tree, str(node.path), "exec", dont_inherit=True)


def _executed(name: str, code: CodeType, path: Path) -> ModuleType:
    module = ModuleType(name)
    module.__file__ = str(path)
    sys.modules[name] = module
    exec(code, vars(module))
    return module
