"""The modes of the cases: what each does to a run, which tests there are in it, and how a case says that it does not run in one."""

import ast
from pathlib import Path
from typing import Any

import pytest

from milepost import App, AsyncStep, Event, Step
from milepost.engine.worker import PACE, Pace
from tests import case_matrix
from tests.case_modes import MODES, NAMES, Marker, check_marker, read_marker
from tests.engine.stage import Stage

pytest_plugins = ["pytester"]

app = App("modes")


@app.event("modes/paid")
class Paid(Event):
    order: str


def part(name: str) -> str:
    return name


@app.function()
def sequence(event: None, step: Step) -> list[str]:
    return [step.run(name, part, name) for name in "abc"]


@app.function()
async def async_sequence(event: None, step: AsyncStep) -> list[str]:
    return [await step.run(name, part, name) for name in "abc"]


def both(step: Step) -> list[str]:
    return [step.run("first", part, "1"), step.run("second", part, "2")]


async def async_both(step: AsyncStep) -> list[str]:
    return [await step.run("first", part, "1"), await step.run("second", part, "2")]


@app.function()
def branches(event: None, step: Step) -> list[list[str]]:
    return [*step.parallel("four", both, both)]


@app.function()
async def async_branches(event: None, step: AsyncStep) -> list[list[str]]:
    return [*await step.parallel("four", async_both, async_both)]


@app.function()
def fan(event: None, step: Step) -> list[str]:
    return step.map("each", part, "abc")


@app.function()
async def async_fan(event: None, step: AsyncStep) -> list[str]:
    return await step.map("each", part, "abc")


def slices(pace: Pace, function: Any) -> list[list[str]]:
    """What each slice of a run recorded."""
    token = PACE.set(pace)
    try:
        with Stage(app) as stage:
            run = stage.client.invoke(function, None)
            found: list[list[str]] = []
            known: set[str] = set()
            while stage.take():
                stage.deliver(stage.hand[0])
                now = {step.path for step in run.steps if step.path not in ("four", "each")}
                found.append(sorted(now - known))
                known = now
            assert run.status == "completed"
            assert stage.header(run.id).epoch == len(found)
            return found
    finally:
        PACE.reset(token)


A, B, C = ["a"], ["b"], ["c"]
FIRSTS, SECONDS = [f"four/{index}/first" for index in range(2)], [f"four/{index}/second" for index in range(2)]
ALONE = [["four/0/first"], ["four/0/second"], ["four/1/first"], ["four/1/second"]]
ITEMS = ["each/0", "each/1", "each/2"]


@pytest.mark.parametrize(
    ("pace", "function", "expected"),
    [
        (Pace.FULL, sequence, [A + B + C]),
        (Pace.FULL, async_sequence, [A + B + C]),
        (Pace.ALWAYS_SUSPEND, sequence, [A, B, C, []]),
        (Pace.ALWAYS_SUSPEND, async_sequence, [A, B, C, []]),
        (Pace.ALWAYS_SUSPEND, branches, [FIRSTS, SECONDS, []]),
        (Pace.ALWAYS_SUSPEND, async_branches, [FIRSTS, SECONDS, []]),
        (Pace.ALWAYS_SUSPEND, fan, [ITEMS, []]),
        (Pace.ONE_STEP, sequence, [A, B, C]),
        (Pace.ONE_STEP, async_sequence, [A, B, C]),
        (Pace.ONE_STEP, branches, ALONE),
        (Pace.ONE_STEP, fan, [[item] for item in ITEMS]),
        (Pace.ONE_STEP, async_fan, [[item] for item in ITEMS]),
    ],
)
def test_what_each_slice_records(pace: Pace, function: Any, expected: list[list[str]]) -> None:
    assert slices(pace, function) == expected


def test_an_async_body_in_one_step_slices_has_one_step_in_each() -> None:
    assert [len(recorded) for recorded in slices(Pace.ONE_STEP, async_branches)] == [1] * 4


def test_a_mode_goes_through_a_suspension_and_one_through_a_hand_over() -> None:
    for pace, timers in ((Pace.ALWAYS_SUSPEND, ["TimerDue"]), (Pace.ONE_STEP, ["Poke"])):
        token = PACE.set(pace)
        try:
            with Stage(app) as stage:
                stage.client.invoke(sequence, None)
                stage.deliver(stage.take()[0])
                assert stage.kinds() == timers
        finally:
            PACE.reset(token)


# ---- which tests there are -----------------------------------------------------------------------------------------------

CASE = """
import pytest
from milepost import App, Step
from milepost.engine.worker import PACE
from milepost.testing import Sandbox

app = App("modes")
runs: list[str] = []

def work() -> str:
    return "worked"

@app.function()
def job(event: None, step: Step) -> str:
    return step.run("work", work) + step.run("again", work)

def test_once() -> None:
    with Sandbox(app) as box:
        runs.append(box.invoke(job, None).result)
    assert runs == ["workedworked"]

@pytest.mark.modes("normal", reason="it counts writes")
def test_cost() -> None:
    with Sandbox(app) as box:
        box.invoke(job, None)
        assert box.meter.writes == 4

@pytest.mark.modes("normal", "one-step", reason="it says its pace")
def test_pace() -> None:
    assert PACE.get(None) is None, "not normal"
"""


@pytest.fixture
def cases(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest((Path(__file__).parent / "cases" / "conftest.py").read_text(encoding="utf-8"))
    without = " ".join(f"-p no:{plugin}" for plugin in ("randomly", "xdist", "cacheprovider", "milepost"))
    pytester.makeini(f"[pytest]\nmarkers = long: takes minutes\naddopts = -m 'not long' {without} --import-mode=importlib")
    return pytester


def test_a_case_runs_in_every_mode_that_it_does_not_except(cases: pytest.Pytester) -> None:
    cases.makepyfile(test_it=CASE)
    result = cases.runpytest_inprocess("-v")
    result.stdout.fnmatch_lines(
        [
            "test_it.py::test_once PASSED*",
            "test_it.py::test_cost PASSED*",
            "test_it.py::test_pace PASSED*",
            "test_it.py::always-suspend::test_once PASSED*",
            "test_it.py::one-step::test_once PASSED*",
            "test_it.py::one-step::test_pace FAILED*",
            "test_it.py::simulated-1::test_once PASSED*",
            "test_it.py::simulated-rough-1::test_once PASSED*",
            "test_it.py::moto::test_once PASSED*",
            "test_it.py::async::test_once PASSED*",
            "test_it.py::async::test_cost PASSED*",
            "test_it.py::async::test_pace PASSED*",
            "test_it.py::async::always-suspend::test_once PASSED*",
            "test_it.py::async::one-step::test_once PASSED*",
            "test_it.py::async::one-step::test_pace FAILED*",
            "test_it.py::async::simulated-1::test_once PASSED*",
            "test_it.py::async::simulated-rough-1::test_once PASSED*",
            "E       AssertionError: not normal",
            "test_it.py:29: AssertionError",
        ],
    )
    result.assert_outcomes(passed=15, failed=2)


@pytest.mark.parametrize(
    ("selection", "passed"),
    [
        (["test_it.py::always-suspend"], 1),
        (["-k", "always-suspend"], 2),
        (["-k", "simulated-rough"], 2),
        (["test_it.py::async::always-suspend"], 1),
        (["test_it.py::simulated-1"], 1),
    ],
)
def test_a_mode_can_be_chosen(cases: pytest.Pytester, selection: list[str], passed: int) -> None:
    cases.makepyfile(test_it=CASE)
    cases.runpytest_inprocess(*selection).assert_outcomes(passed=passed, deselected=0 if "-k" not in selection else 15)


def test_a_case_without_a_body_runs_once(cases: pytest.Pytester) -> None:
    cases.makepyfile("def test_nothing() -> None:\n    pass\n")
    cases.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_wrong_marker_is_an_error(cases: pytest.Pytester) -> None:
    cases.makepyfile(test_it=CASE.replace('"one-step"', '"one step"'))
    cases.runpytest_inprocess().stdout.fnmatch_lines(["*'one step' is no mode; there are normal, always-suspend, one-step, simulated*"])


@pytest.mark.parametrize(
    ("names", "without", "reason", "says"),
    [
        (("normal",), (), "it counts writes", None),
        ((), "one-step", "it counts writes", None),
        ((), ("one-step", "simulated"), "it counts writes", None),
        (("normal", "always"), (), "it counts writes", "'always' is no mode"),
        ((), "always", "it counts writes", "'always' is no mode"),
        (("one-step",), (), "it counts writes", "'normal' and not all others"),
        (NAMES, (), "it counts writes", "'normal' and not all others"),
        ((), "normal", "it counts writes", "'normal' and not all others"),
        ((), (), "it counts writes", "or those that it does not"),
        (("normal",), "one-step", "it counts writes", "or those that it does not"),
        (("normal",), (), "", "gives a reason"),
        (("normal",), (), None, "gives a reason"),
    ],
)
def test_a_marker_names_modes_and_gives_a_reason(
    names: tuple[str, ...], without: str | tuple[str, ...], reason: str | None, says: str | None
) -> None:
    wrong = check_marker(names, {"without": without, "reason": reason})
    assert wrong is None if says is None else says in str(wrong)


def test_the_matrix_lists_what_does_not_run_in_a_mode() -> None:
    of = case_matrix.read_left
    others = tuple(mode.name for mode in MODES)
    assert of(ast.parse(CASE)) == (
        case_matrix.Left(modes=others, test="test_cost", why="it counts writes"),
        case_matrix.Left(modes=("always-suspend", "simulated", "simulated-rough", "moto"), test="test_pace", why="it says its pace"),
    )
    whole = 'pytestmark = [pytest.mark.def_only("x"), pytest.mark.modes("normal", reason="it counts slices")]'
    assert of(ast.parse(whole)) == (case_matrix.Left(modes=others, test=None, why="it counts slices"),)


def test_other_marks_are_passed_over() -> None:
    mark = ast.parse('pytest.mark.skipif(True, reason="x")', mode="eval").body
    assert read_marker(mark) is None
    mark = ast.parse('pytest.mark.modes("normal", reason="x")', mode="eval").body
    assert read_marker(mark) == Marker(without=tuple(mode.name for mode in MODES), reason="x")
    mark = ast.parse('pytest.mark.modes(without=("one-step", "simulated"), reason="x")', mode="eval").body
    assert read_marker(mark) == Marker(without=("one-step", "simulated"), reason="x")
