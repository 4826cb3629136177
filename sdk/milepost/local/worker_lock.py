"""The right to work on a state file: one worker process at a time, by an operating system lock on a file beside it.

The system drops the lock when the process ends, however it ends. Clients need none.
"""

import errno
import fcntl
import os
from pathlib import Path

from milepost.errors import StateFileError


class WorkerLock:
    """Held from construction to `release`.

    Raises:
        StateFileError: another worker holds it; the message names its process.
    """

    def __init__(self, state_file: Path) -> None:
        path = state_file.with_name(state_file.name + ".lock")
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            holder = os.pread(self._fd, 32, 0).decode(errors="replace").strip()
            os.close(self._fd)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            who = f"process {holder}" if holder else "a process that is just starting"
            raise StateFileError(
                f"{state_file} already has a worker ({who}): stop that one first, or give this one another state file. "
                "Clients such as `milepost send` and `milepost runs` work beside it"
            ) from error

    def release(self) -> None:
        """Let another worker have the file. The lock file stays: removing it would let two workers lock two files."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def worker_of(state_file: Path) -> int | None:
    """The process that works on the file; None when there is none. Takes nothing: it may have changed a moment later."""
    path = state_file.with_name(state_file.name + ".lock")
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        noted = os.pread(fd, 32, 0).decode(errors="replace").strip()
        return int(noted) if noted.isdecimal() and _is_alive(int(noted)) and _is_locked(fd) else None
    finally:
        os.close(fd)


def _is_alive(pid: int) -> bool:
    """Asked first: only where a process of this number lives is the lock touched, and then for an instant."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # somebody else's
    except OSError:
        return False
    return True


def _is_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    return False
