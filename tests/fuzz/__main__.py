"""`python -m tests.fuzz FIRST COUNT [zombies]`: play seeds and replay them here. `python -m tests.fuzz replay FILE`: replay there."""

import pickle
import sys
import traceback
from pathlib import Path

from tests.fuzz.world import Differs, World, replay


def main() -> int:
    if sys.argv[1] == "replay":
        found = [difference for played in pickle.loads(Path(sys.argv[2]).read_bytes()) if (difference := replay(played)) is not None]  # noqa: S301
        print("\n".join(found))
        return len(found) > 0
    first, count = int(sys.argv[1]), int(sys.argv[2])
    bad = slices = crashes = 0
    for seed in range(first, first + count):
        try:
            played = World(seed, zombies="zombies" in sys.argv).play()
            slices += played.slices
            crashes += played.crashes
            differs = replay(played)
            if differs is not None:
                raise Differs(differs)
        except BaseException as error:  # noqa: BLE001 - counted, shown
            if isinstance(error, KeyboardInterrupt):
                raise
            bad += 1
            print(seed, type(error).__name__, str(error)[:600])
            if "-v" in sys.argv:
                traceback.print_exc()
    print(f"{count} seeds, {slices} slices, {crashes} crashes, {bad} bad")
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
