"""The fuse by which a worker dies: before its n-th port call, or after that call's effect; then nothing it calls is done."""

import pytest

from milepost.testing.crashes import Fuse, WorkerKilled


def life(fuse: Fuse, calls: int = 4) -> list[int]:
    """Which of a worker's calls took effect until it died, if it did."""
    done: list[int] = []
    for number in range(1, calls + 1):
        try:
            fuse.check()
            done.append(number)
            fuse.count()
        except WorkerKilled:
            pass
    return done


@pytest.mark.parametrize(("before", "done"), [(False, [1, 2]), (True, [1])])
def test_the_call_that_kills_takes_effect_unless_the_worker_dies_before_it(before: bool, done: list[int]) -> None:
    fuse = Fuse()
    fuse.light(2, before=before)
    assert life(fuse) == done
    assert fuse.is_blown


@pytest.mark.parametrize("before", [False, True])
def test_the_next_worker_lives_until_the_fuse_is_lit_again(before: bool) -> None:
    fuse = Fuse()
    fuse.light(1, before=before)
    life(fuse)
    fuse.renew()
    assert life(fuse) == [1, 2, 3, 4]
    fuse.light(1, before=not before)
    assert life(fuse) == ([1] if before else [])
