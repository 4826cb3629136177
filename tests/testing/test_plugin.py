"""The pytest plugin: the fixture `sandbox`, where its app comes from, and what is said when it comes from nowhere.

Covers: kit.plugin
"""

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

SDK = Path(__file__).parents[2] / "sdk"

SHOP = """
from milepost import App, Event, Step
app = App("shop")
@app.event("shop/placed")
class Placed(Event):
    number: int
def double(number: int) -> int:
    return 2 * number
@app.function(on=Placed)
def work(event: Placed, step: Step) -> int:
    return step.run("double", double, event.number)
"""

TEST = """
from datetime import timedelta
from milepost.testing import Sandbox
def test_it(sandbox: Sandbox) -> None:
    from shop import Placed
    [run] = sandbox.send(Placed(number=21))
    assert run.result == 42
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(shop=SHOP)
    pytester.makeini("[pytest]\npythonpath = .\n")
    return pytester


def outcome(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_inprocess(
        "-p", "no:milepost", "-p", "milepost.testing.plugin", "-p", "no:randomly", "-p", "no:xdist", "--strict-markers", *arguments
    )


def test_the_app_comes_from_the_ini_file(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nmilepost_app = shop:app\npythonpath = .\n")
    project.makepyfile(test_it=TEST)
    outcome(project).assert_outcomes(passed=1)


def test_a_marker_goes_before_the_ini_file(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nmilepost_app = nowhere:app\npythonpath = .\n")
    project.makepyfile(
        test_it="import pytest\nfrom shop import app\npytestmark = pytest.mark.milepost(app)\n" + TEST,
        test_named='import pytest\npytestmark = pytest.mark.milepost("shop:app")\n' + TEST,
    )
    outcome(project).assert_outcomes(passed=2)


ON_MOTO = """
def test_where(sandbox) -> None:
    import boto3
    assert [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]] == ["shop-sandbox-values"]
"""


def test_the_backend_comes_from_the_nearest_marker_or_the_ini_file(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\nmilepost_app = shop:app\nmilepost_backend = moto\npythonpath = .\n")
    project.makepyfile(
        test_ini=TEST + ON_MOTO,
        test_memory='import pytest\npytestmark = pytest.mark.milepost(backend="memory")\n' + TEST,
        test_both='import pytest\npytestmark = pytest.mark.milepost("shop:app", backend="memory")\n'
        + TEST
        + "@pytest.mark.milepost(backend='moto')"
        + ON_MOTO,
    )
    outcome(project).assert_outcomes(passed=5)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("", "does not know its app: put @pytest.mark.milepost(app) above the test"),
        ("import pytest\npytestmark = pytest.mark.milepost", "takes the app and the backend"),
        (
            "import pytest\npytestmark = pytest.mark.milepost('shop:app', backend='motto')",
            "backend='memory' or backend='moto', not 'motto'",
        ),
        ("import pytest\npytestmark = pytest.mark.milepost('shop:app', cloud='moto')", "takes the app and the backend"),
        ("import pytest\npytestmark = pytest.mark.milepost(42)", 'takes an App, or "MODULE:APP", not 42'),
        ("import pytest\npytestmark = pytest.mark.milepost('shpo:app')", "there is no module 'shpo'"),
    ],
)
def test_what_is_wrong_is_said_without_a_traceback_of_ours(project: pytest.Pytester, head: str, words: str) -> None:
    project.makepyfile(test_it=f"{head}\n{TEST}")
    result = outcome(project)
    result.assert_outcomes(errors=1)
    text = result.stdout.str()
    assert words in text
    assert "plugin.py" not in text


def test_the_marker_and_the_fixture_are_registered(project: pytest.Pytester) -> None:
    assert "milepost(app, backend)" in outcome(project, "--markers").stdout.str()
    assert "sandbox" in outcome(project, "--fixtures").stdout.str()


def test_nothing_of_the_engine_is_loaded_before_the_fixture_is_used() -> None:
    program = "import sys, milepost.testing.plugin; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(SDK)}, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "milepost.testing.plugin" in loaded
    assert {name for name in loaded if name.startswith(("milepost.engine", "milepost.local", "milepost.dev", "sqlite3", "boto3"))} == set()
    assert "milepost.testing.sandbox" not in loaded
