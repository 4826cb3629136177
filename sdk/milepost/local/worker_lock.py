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
