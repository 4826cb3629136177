"""Plays of any seed: `python -m tests.fuzz FIRST COUNT [zombies]`, each replayed here; `python -m tests.fuzz replay FILE` replays
there what a test has played.
"""

import pickle
import sys
from pathlib import Path

from tests.fuzz.world import World, replay


def replay_all(file: Path) -> int:
    """Replay plays that another process has written. Returns how many differ."""
    found = [difference for played in pickle.loads(file.read_bytes()) if (difference := replay(played)) is not None]
    sys.stdout.write("".join(f"{difference}\n" for difference in found))
    return len(found)


def play_all(first: int, count: int, *, zombies: bool) -> int:
    """Play seeds, and replay them. Returns how many went wrong."""
    bad = slices = crashes = 0
    for seed in range(first, first + count):
        try:
            played = World(seed, zombies=zombies).play()
            differs = replay(played)
        except Exception as error:  # noqa: BLE001 - told, and the next seed may tell more
            differs = f"seed {seed}: {type(error).__name__}: {error}"
        else:
            slices += played.slices
            crashes += played.crashes
        if differs is not None:
            bad += 1
            sys.stdout.write(f"{differs[:1_000]}\n")
    sys.stdout.write(f"{count} seeds, {slices} slices, {crashes} crashes, {bad} bad\n")
    return bad


if __name__ == "__main__":
    if sys.argv[1] == "replay":
        sys.exit(replay_all(Path(sys.argv[2])) > 0)
    sys.exit(play_all(int(sys.argv[1]), int(sys.argv[2]), zombies="zombies" in sys.argv[3:]) > 0)
