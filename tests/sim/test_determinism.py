"""The same seed gives the same play, word for word: under any hash seed, in any process, on any supported Python."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.digests import digests

ROOT = Path(__file__).parents[2]
SEEDS = range(40, 52)


def elsewhere(python: str, seeds: range, hash_seed: int) -> list[str]:
    """The digests of the seeds, as another process finds them."""
    found = subprocess.run(
        [python, "-W", "ignore", "-m", "tests.sim.digests", str(seeds.start), str(seeds.stop)],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}{os.pathsep}{ROOT / 'handlers'}",
            "PYTHONHASHSEED": str(hash_seed),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout.splitlines()


@pytest.mark.parametrize("hash_seed", [1, 2])
def test_the_hash_seed_changes_nothing(hash_seed: int) -> None:
    assert elsewhere(sys.executable, SEEDS, hash_seed) == digests(SEEDS)


def test_what_was_played_before_changes_nothing() -> None:
    later = digests(SEEDS)
    assert digests(range(SEEDS.start + 5, SEEDS.stop)) == later[5:]


def test_other_seeds_are_other_plays() -> None:
    assert len({hashlib.sha256(one.partition(" ")[2].encode()).digest() for one in digests(SEEDS)}) == len(SEEDS)


@pytest.mark.long
@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_the_version_of_python_changes_nothing(version: str) -> None:
    python = ROOT / ".venvs" / version / "bin" / "python"
    if not python.exists():
        pytest.skip(f"there is no environment of Python {version} in .venvs: .ci/test-pythons makes it")
    seeds = range(1_000, 1_200)
    assert elsewhere(str(python), seeds, 3) == digests(seeds)
