"""The public surface as type checkers see it: what must be inferred is, and what is wrong is refused, line by line.

``tests/typing`` is checked, never run. Both checkers are told to complain about an excuse that is not needed, so a wrong
line that stops being refused fails here. pyright comes with `make setup`, from package-lock.json.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = ROOT / "tests" / "typing"
PYRIGHT = ROOT / "node_modules" / ".bin" / "pyright"


def mypy(*files: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "--cache-dir", str(cache), "--no-error-summary"]
    return subprocess.run([*command, *map(str, files)], cwd=ROOT, capture_output=True, text=True, check=False)


def errors_in(output: str) -> list[str]:
    """Only of the files here: the package's own errors are `make check`'s to report."""
    return [line for line in output.splitlines() if "tests/typing/" in line and "error:" in line]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.timeout(300)
def test_mypy_infers_and_refuses(cache: Path, tmp_path: Path) -> None:
    done = mypy(FILES, cache=cache)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert errors_in(done.stdout) == []

    # The same check sees a line that should be refused and is not, and one that infers something else.
    planted = tmp_path / "planted.py"
    right = "from milepost import App\nname: str = App('x').name  # type: ignore[assignment]\n"
    planted.write_text(right + "from typing import assert_type\nassert_type(App('x').name, int)\n", encoding="utf-8")
    found = mypy(planted, cache=cache).stdout
    assert "unused-ignore" in found
    assert "assert-type" in found


@pytest.mark.timeout(300)
@pytest.mark.skipif(not PYRIGHT.exists() or shutil.which("node") is None, reason="pyright is not installed: make setup")
def test_pyright_infers_and_refuses() -> None:
    done = subprocess.run([str(PYRIGHT), str(FILES)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("kind", "inferences", "refusals"), [("", 100, 80), ("_async", 80, 80)])
def test_there_is_something_to_check(kind: str, inferences: int, refusals: int) -> None:
    inferred = (FILES / f"infer{kind}.py").read_text(encoding="utf-8").count("assert_type(")
    refused = re.findall(
        r"# type: ignore\[[\w-]+(?:, [\w-]+)*\]  # pyright: ignore\[\w+", (FILES / f"refuse{kind}.py").read_text(encoding="utf-8")
    )
    assert inferred >= inferences
    assert len(refused) >= refusals
