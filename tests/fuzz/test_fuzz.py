"""The fuzz as a test: a few hundred seeds always, five thousand with the long proofs, each replayed in another process too."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.world import Played, World, replay

ROOT = Path(__file__).parents[2]
CHUNK = 50


def play(seeds: range, folder: Path, *, zombies: bool) -> None:
    """Play the seeds; replay each here, and all of them in another process with another hash seed."""
    played: list[Played] = []
    for seed in seeds:
        one = World(seed, zombies=zombies).play()
        assert replay(one) is None
        played.append(one)
    file = folder / "played"
    file.write_bytes(pickle.dumps(played))
    there = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.fuzz", "replay", str(file)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}", "PYTHONHASHSEED": str(seeds.start % 1_000 + 1)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert there.returncode == 0, there.stdout + there.stderr
    assert sum(one.slices for one in played) > len(played)  # the plays do suspend


@pytest.mark.parametrize("first", range(0, 200, CHUNK))
def test_what_a_body_saw_is_seen_again(first: int, tmp_path: Path) -> None:
    play(range(first, first + CHUNK), tmp_path, zombies=False)


@pytest.mark.parametrize("first", range(0, 200, CHUNK))
def test_what_a_body_saw_is_seen_again_although_zombies_write(first: int, tmp_path: Path) -> None:
    play(range(first, first + CHUNK), tmp_path, zombies=True)


@pytest.mark.long
@pytest.mark.parametrize("zombies", [False, True], ids=["", "zombies"])
@pytest.mark.parametrize("first", range(1_000, 3_500, CHUNK))
def test_the_same_for_thousands_of_seeds(first: int, zombies: bool, tmp_path: Path) -> None:
    play(range(first, first + CHUNK), tmp_path, zombies=zombies)
