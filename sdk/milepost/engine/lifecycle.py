"""THE table of run transitions. A move that is not in it does not exist.

Laws:

* A run is born once, by a put on condition "absent".
* Terminal is absorbing: no move leaves completed, failed or cancelled.
* Only the holder of the lease suspends, hands over, retries, pauses itself or ends (its epoch is part of the condition).
* Anyone may cancel or pause; that keeps the lease, so that its holder, who alone knows what is in flight, settles.

    status      acquire   suspend   queue     complete    fail     cancel      pause    resume
    (none)      running*                                           cancelled†  paused‡
    scheduled   running                                   failed   cancelled   paused
    queued      running                                            cancelled   paused
    waiting     running                                            cancelled   paused
    running     running§  waiting   queued    completed   failed   cancelled   paused
    paused                                                         cancelled            waiting

    * birth   † a tombstone: the start that comes later finds it   ‡ born of a function that is not deployed
    § only when its lease has expired
"""

from enum import StrEnum

from milepost.engine.ports import Condition, Equals, Or
from milepost.runs import RunStatus


class Move(StrEnum):
    """What can happen to a run."""

    SCHEDULE = "schedule"
    ACQUIRE = "acquire"
    SUSPEND = "suspend"
    QUEUE = "queue"
    COMPLETE = "complete"
    FAIL = "fail"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"


_S = RunStatus

MOVES: dict[tuple[RunStatus | None, Move], RunStatus] = {
    (None, Move.SCHEDULE): _S.SCHEDULED,
    (None, Move.ACQUIRE): _S.RUNNING,
    (None, Move.CANCEL): _S.CANCELLED,
    (None, Move.PAUSE): _S.PAUSED,
    (None, Move.FAIL): _S.FAILED,
    (_S.SCHEDULED, Move.ACQUIRE): _S.RUNNING,
    (_S.SCHEDULED, Move.CANCEL): _S.CANCELLED,
    (_S.SCHEDULED, Move.PAUSE): _S.PAUSED,
    (_S.QUEUED, Move.ACQUIRE): _S.RUNNING,
    (_S.QUEUED, Move.CANCEL): _S.CANCELLED,
    (_S.QUEUED, Move.PAUSE): _S.PAUSED,
    (_S.WAITING, Move.ACQUIRE): _S.RUNNING,
    (_S.WAITING, Move.CANCEL): _S.CANCELLED,
    (_S.WAITING, Move.PAUSE): _S.PAUSED,
    (_S.RUNNING, Move.ACQUIRE): _S.RUNNING,
    (_S.RUNNING, Move.SUSPEND): _S.WAITING,
    (_S.RUNNING, Move.QUEUE): _S.QUEUED,
    (_S.RUNNING, Move.COMPLETE): _S.COMPLETED,
    (_S.RUNNING, Move.FAIL): _S.FAILED,
    (_S.RUNNING, Move.CANCEL): _S.CANCELLED,
    (_S.RUNNING, Move.PAUSE): _S.PAUSED,
    (_S.PAUSED, Move.CANCEL): _S.CANCELLED,
    (_S.PAUSED, Move.RESUME): _S.WAITING,
}


class IllegalMoveError(Exception):
    """A move that is not in the table: a bug of ours."""


def after(status: RunStatus | None, move: Move) -> RunStatus:
    """Where the move leads. Raises IllegalMoveError for a move that is not in the table."""
    try:
        return MOVES[status, move]
    except KeyError:
        raise IllegalMoveError(f"a run that is {status or 'not there'} cannot {move}") from None


def sources(move: Move) -> tuple[RunStatus, ...]:
    """The statuses that a run can make this move from."""
    return tuple(status for status, named in MOVES if named is move and status is not None)


def allows(move: Move) -> Condition:
    """The condition that the stored run can make this move."""
    equals = tuple(Equals("status", status.value) for status in sources(move))
    return equals[0] if len(equals) == 1 else Or(equals)
