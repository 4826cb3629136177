"""The pass that makes the async twin of a case: what becomes async, what is awaited, what is refused, and which lines it keeps."""

import ast
import inspect
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from milepost import AsyncStep, Step
from tests import case_matrix
from tests.async_twin import WAITS, NoTwinError, async_twin, has_bodies

pytest_plugins = ["pytester"]


def twin_of(source: str, *, def_steps: bool = False) -> str:
    return ast.unparse(async_twin(dedent(source), def_steps=def_steps))


def same(source: str) -> str:
    return ast.unparse(ast.parse(dedent(source)))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            """
            def body(event: None, step: Step) -> int:
                step.sleep("nap", DAY)
                return step.options(once=True).run("work", work) + 1
            """,
            """
            async def body(event: None, step: Step) -> int:
                await step.sleep("nap", DAY)
                return await step.options(once=True).run("work", work) + 1
            """,
            id="steps are awaited",
        ),
        pytest.param(
            """
            def body(event: None, step: Step) -> None:
                step.log.info("begun", run=step.run_id)
                other.run("work", work)
            """,
            """
            async def body(event: None, step: Step) -> None:
                step.log.info("begun", run=step.run_id)
                other.run("work", work)
            """,
            id="what does not wait is left",
        ),
        pytest.param(
            """
            def half(s: Step, n: int) -> int:
                return s.run("halve", lambda: n)
            def body(event: None, step: Step) -> int:
                step.parallel("both", lambda s: half(s, 1), lambda s: s.run("two", str), half)
                return half(step, 3)
            """,
            """
            async def half(s: Step, n: int) -> int:
                return await s.run("halve", lambda: n)
            async def body(event: None, step: Step) -> int:
                await step.parallel("both", lambda s: half(s, 1), lambda s: s.run("two", str), half)
                return await half(step, 3)
            """,
            id="lambdas return the coroutine",
        ),
        pytest.param(
            """
            def body(event: None, step: Step) -> None:
                def charge() -> int:
                    return step.run("charge", pay)
                def plain() -> int:
                    return 1
                charge() + plain()
            """,
            """
            async def body(event: None, step: Step) -> None:
                async def charge() -> int:
                    return await step.run("charge", pay)
                def plain() -> int:
                    return 1
                await charge() + plain()
            """,
            id="inner functions that use the step",
        ),
        pytest.param(
            """
            def body(event: None, step: Step) -> None:
                def inner(step: Plain) -> None:
                    step.run("x", work)
                inner(plain)
            """,
            """
            async def body(event: None, step: Step) -> None:
                def inner(step: Plain) -> None:
                    step.run("x", work)
                inner(plain)
            """,
            id="another thing of the same name",
        ),
        pytest.param(
            """
            def body(event: list[int], step: Step) -> list[int]:
                return [step.run("x", work, step.run("y", work, n)) for n in event]
            """,
            """
            async def body(event: list[int], step: Step) -> list[int]:
                return [await step.run("x", work, await step.run("y", work, n)) for n in event]
            """,
            id="within each other and in lists",
        ),
        pytest.param(
            """
            def charge() -> int: return 1
            def refund(paid: int) -> None: ...
            def also_called() -> int: return 2
            def never_used() -> int: return 3
            @cache
            def decorated() -> int: return 4
            def body(event: None, step: Step) -> int:
                step.options(compensate=refund).run("charge", charge)
                step.run("also", also_called)
                step.run("decorated", decorated)
                return also_called()
            """,
            """
            async def charge() -> int: return 1
            async def refund(paid: int) -> None: ...
            def also_called() -> int: return 2
            def never_used() -> int: return 3
            @cache
            def decorated() -> int: return 4
            async def body(event: None, step: Step) -> int:
                await step.options(compensate=refund).run("charge", charge)
                await step.run("also", also_called)
                await step.run("decorated", decorated)
                return also_called()
            """,
            id="functions of steps and of nothing else",
        ),
        pytest.param(
            "from milepost import App, Step\nfrom elsewhere import Step as Other",
            "from milepost import App, AsyncStep as Step\nfrom elsewhere import Step as Other",
            id="the import",
        ),
        pytest.param(
            """
            def test_it() -> None:
                body(1, plain)
            def body(event: int, step: Step) -> None:
                step.sleep("nap", DAY)
            """,
            """
            def test_it() -> None:
                body(1, plain)
            async def body(event: int, step: Step) -> None:
                await step.sleep("nap", DAY)
            """,
            id="tests stay",
        ),
    ],
)
def test_what_a_user_of_async_would_have_written(source: str, expected: str) -> None:
    assert twin_of(source) == same(expected)


def test_functions_of_steps_may_stay() -> None:
    source = """
        def work() -> int: return 1
        def body(event: None, step: Step) -> int: return step.run("work", work)
        """
    assert "async def work" in twin_of(source)
    assert "async def work" not in twin_of(source, def_steps=True)


def test_code_in_a_string_has_a_twin_too() -> None:
    code = "def body(event: None, step: Step) -> None:\n    step.sleep('nap', DAY)"
    source = f"CODE = {code!r}\nOTHER = {code!r}"
    assert has_bodies(ast.parse(source))
    [made, other] = ast.parse(twin_of(source)).body
    assert isinstance(made, ast.Assign)
    assert isinstance(other, ast.Assign)
    assert ast.literal_eval(made.value) == twin_of(code)
    assert ast.literal_eval(other.value) == code


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("return sum(step.run('x', work, n) for n in event)", "line 2: a generator does not wait for a step: write a list"),
        ("return step.parallel('x', lambda s: s.run('y', work) + 1)", "line 2: a lambda does not wait for a step: write a def"),
        ("return Thread(target=step.run)", "line 2: the step's run is not called here"),
    ],
)
def test_what_has_no_twin_is_refused_with_its_line(line: str, why: str) -> None:
    with pytest.raises(NoTwinError) as raised:
        async_twin(f"def body(event: list[int], step: Step) -> int:\n    {line}")
    assert str(raised.value).startswith(why)


def test_lines_are_those_of_the_source() -> None:
    source = Path(__file__).parent / "cases" / "test_each_gives_every_item_steps_of_its_own.py"
    before, after = (
        [(node.lineno, node.name) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        for tree in (ast.parse(source.read_bytes()), async_twin(source.read_bytes()))
    )
    assert before == after


def test_all_that_waits_is_awaited() -> None:
    methods = {name for name, member in vars(AsyncStep).items() if inspect.isfunction(member) and not name.startswith("_")}
    assert methods - {"options"} == WAITS
    assert {name for name in vars(Step) if not name.startswith("_")} == WAITS | {"options"}


# ---- the harness -----------------------------------------------------------------------------------------------------

CASE = """
import pytest
from milepost import App, Step
from milepost.testing import Sandbox

pytestmark = [pytest.mark.modes("normal", reason="modes are another test's")]
app = App("twin")
runs: list[str] = []

def work() -> str:
    return "worked"

@app.function()
def job(event: None, step: Step) -> str:
    return step.run("work", work)

def test_once() -> None:
    with Sandbox(app) as box:
        runs.append(box.invoke(job, None).result)
    assert runs == ["worked"]

@pytest.mark.def_only("def it is")
def test_is_def() -> None:
    assert not job.definition.is_async

@pytest.mark.async_fails("async it is")
def test_fails_as_async() -> None:
    assert not job.definition.is_async
"""


@pytest.fixture
def cases(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest((Path(__file__).parent / "cases" / "conftest.py").read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\naddopts = -p no:randomly -p no:xdist -p no:cacheprovider -p no:milepost --import-mode=importlib")
    return pytester


def test_a_case_runs_twice_each_time_in_a_module_of_its_own(cases: pytest.Pytester) -> None:
    cases.makepyfile(test_it=CASE)
    result = cases.runpytest_inprocess("-v")
    result.assert_outcomes(passed=4, xfailed=1)
    result.stdout.fnmatch_lines(
        [
            "test_it.py::test_once PASSED*",
            "test_it.py::test_is_def PASSED*",
            "test_it.py::test_fails_as_async PASSED*",
            "test_it.py::async::test_once PASSED*",
            "test_it.py::async::test_fails_as_async XFAIL*",
        ]
    )


@pytest.mark.parametrize(
    ("selection", "outcomes"),
    [
        (["test_it.py::async"], {"passed": 1, "xfailed": 1}),
        (["-k", "not async"], {"passed": 2}),
        (["test_it.py::test_once"], {"passed": 1}),
    ],
)
def test_one_of_the_two_can_be_chosen(cases: pytest.Pytester, selection: list[str], outcomes: dict[str, Any]) -> None:
    cases.makepyfile(test_it=CASE)
    result = cases.runpytest_inprocess(*selection)
    assert {key: value for key, value in result.parseoutcomes().items() if key in {"passed", "xfailed", "failed"}} == outcomes


def test_a_failure_shows_the_line_as_written_and_its_values(cases: pytest.Pytester) -> None:
    cases.makepyfile(test_it=CASE.replace('runs == ["worked"]', 'runs == ["slept"]'))
    result = cases.runpytest_inprocess("test_it.py::async::test_once")
    result.stdout.fnmatch_lines([">       assert runs == *slept*", "E       *'worked'* == *'slept'*", "test_it.py:19: AssertionError"])


def test_a_case_without_a_twin_is_an_error_that_says_so(cases: pytest.Pytester) -> None:
    cases.makepyfile(test_it=CASE.replace('step.run("work", work)', 'str(step.run("work", work) for _ in "x")'))
    result = cases.runpytest_inprocess()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_it.py, line 14: a generator does not wait for a step*def_only*"])


def test_a_module_may_have_no_twin(cases: pytest.Pytester) -> None:
    cases.makepyfile(test_it=CASE.replace("pytestmark = [", "pytestmark = [pytest.mark.def_only('it is about threads'), "))
    cases.runpytest_inprocess().assert_outcomes(passed=3)


def test_the_matrix_lists_what_has_no_twin() -> None:
    of = case_matrix.read_twin
    assert of(ast.parse("app = 1")) == case_matrix.Twin(exists=False, exceptions=("it has no body",))
    assert of(ast.parse(CASE)) == case_matrix.Twin(
        exists=True, exceptions=("`test_is_def`: def it is", "`test_fails_as_async` fails as async: async it is")
    )
    marked = of(ast.parse("pytestmark = pytest.mark.def_only('it is about threads')\n" + CASE))
    assert (marked.exists, marked.exceptions[0]) == (False, "it is about threads")
    stay = of(ast.parse("pytestmark = pytest.mark.def_steps('they block')\n" + CASE))
    assert (stay.exists, stay.exceptions[0]) == (True, "the functions of its steps stay def: they block")
