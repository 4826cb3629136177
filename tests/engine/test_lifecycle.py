"""Every pair of status and move against the table, drawn here once more and by hand."""

import pytest

from milepost.engine.lifecycle import MOVES, IllegalMoveError, Move, after, allows, sources
from milepost.engine.ports import Equals, Or
from milepost.runs import RunStatus

TABLE = """
            acquire  suspend  queue   complete   fail    cancel     pause   resume   schedule
(none)      running  -        -       -          failed  cancelled  paused  -        scheduled
scheduled   running  -        -       -          -       cancelled  paused  -        -
queued      running  -        -       -          -       cancelled  paused  -        -
waiting     running  -        -       -          -       cancelled  paused  -        -
running     running  waiting  queued  completed  failed  cancelled  paused  -        -
paused      -        -        -       -          -       cancelled  -       waiting  -
completed   -        -        -       -          -       -          -       -        -
failed      -        -        -       -          -       -          -       -        -
cancelled   -        -        -       -          -       -          -       -        -
"""


def expected() -> list[tuple[RunStatus | None, Move, RunStatus | None]]:
    head, *rows = [line.split() for line in TABLE.strip().splitlines()]
    return [
        (None if row[0] == "(none)" else RunStatus(row[0]), Move(move), None if leads == "-" else RunStatus(leads))
        for row in rows
        for move, leads in zip(head, row[1:], strict=True)
    ]


def test_the_table_here_is_whole() -> None:
    assert len(expected()) == (len(RunStatus) + 1) * len(Move)
    assert sum(leads is not None for _, _, leads in expected()) == len(MOVES)


@pytest.mark.parametrize(("status", "move", "leads"), expected())
def test_every_status_and_move(status: RunStatus | None, move: Move, leads: RunStatus | None) -> None:
    if leads is None:
        with pytest.raises(IllegalMoveError, match=f"cannot {move}"):
            after(status, move)
    else:
        assert after(status, move) is leads


@pytest.mark.parametrize("move", Move)
def test_the_condition_of_a_move_names_its_sources(move: Move) -> None:
    named = {status for status, made, leads in expected() if made is move and leads is not None and status is not None}
    assert set(sources(move)) == named
    if not named:
        return  # birth only: its condition is that nothing is there
    match allows(move):
        case Equals("status", value):
            assert {value} == {status.value for status in named}
        case Or(conditions):
            assert set(conditions) == {Equals("status", status.value) for status in named}
        case other:
            pytest.fail(f"{other} is no condition on the status")


def test_terminal_is_absorbing() -> None:
    assert not [move for status, move in MOVES if status is not None and status.is_terminal]
