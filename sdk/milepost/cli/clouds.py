"""The cloud that a command acts on, as all commands see it: a state file here, or a stage on AWS (stage.py)."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import msgspec

from milepost.cli.exits import CliError, Exit
from milepost.cli.shapes import DeadLetterShape
from milepost.engine.client import Client
from milepost.engine.worker import Worker
from milepost.local.cloud import FileClient
from milepost.local.worker_lock import worker_of
from milepost.timestamps import instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the user says that it is."""

    state: Path
    stage: str | None = None
    app: str | None = None

    @property
    def option(self) -> str:
        """What to write behind a command that shall act on the same stage."""
        return "" if self.stage is None else f" --stage {self.stage}"


class Window(Protocol):
    """Runs and their engine, from outside."""

    @property
    def worker(self) -> Worker: ...

    @property
    def client(self) -> Client: ...


class Cloud(Window, Protocol):
    """All that commands ask of a cloud."""

    @property
    def pid(self) -> int | None:
        """The process that works on the state file; None when there is none, and for a stage."""
        ...

    @property
    def idle(self) -> str:
        """What to say when nobody will do anything; empty when somebody will."""
        ...

    @property
    def birth_s(self) -> float:
        """How long to wait for runs to begin."""
        ...

    @property
    def pause_s(self) -> float:
        """Between two looks meanwhile."""
        ...

    def runs_like(self, prefix: str, limit: int) -> list[str]:
        """Ids of runs that begin so."""
        ...

    def none_like(self, given: str) -> CliError:
        """What to say when no id does."""
        ...

    def cancel(self, run: str, *, reason: str) -> bool:
        """Commit it, and leave what follows to a worker; False when the run has ended already. Raises RunNotFound."""
        ...

    def letters(self, limit: int) -> list[DeadLetterShape]:
        """Dead letters, oldest first."""
        ...

    def resume_letters(self, ids: Collection[str] | None) -> list[str]:
        """Send these again, or all (None); the ids of those that were there. Raises CliError for what is no id."""
        ...


class FileCloud:
    """`Cloud` on a state file."""

    def __init__(self, files: FileClient, path: Path) -> None:
        self.birth_s: Final = 1.0
        self.pause_s: Final = 0.02
        self._files = files
        self._path = path
        self.worker: Final = files.worker
        self.client: Final = files.client

    @property
    def pid(self) -> int | None:
        return worker_of(self._path)

    @property
    def idle(self) -> str:
        return note_idle(self.pid)

    def runs_like(self, prefix: str, limit: int) -> list[str]:
        return self._files.catalog.runs_like(prefix, limit)

    def none_like(self, given: str) -> CliError:
        hint = "milepost runs lists the runs there are (they are kept for 30 days after their end)"
        return CliError(f"no run's id begins with {given!r}", hint=hint, code=Exit.NOT_FOUND)

    def cancel(self, run: str, *, reason: str) -> bool:
        return self._files.cancel(run, reason=reason)

    def letters(self, limit: int) -> list[DeadLetterShape]:
        return [
            DeadLetterShape(
                id=letter.id,
                group=letter.group,
                deliveries=letter.deliveries,
                sent_at=instant(letter.sent_at_ms),
                dead_at=instant(letter.dead_at_ms),
                body=msgspec.Raw(letter.body.encode()),
            )
            for letter in self._files.dead_letters.dead_letters(limit=limit)
        ]

    def resume_letters(self, ids: Collection[str] | None) -> list[str]:
        wanted = self._all_letters() if ids is None else ids
        try:
            return [one for one in wanted if self._files.dead_letters.resend(one)]
        except ValueError as error:
            raise CliError(str(error), hint="milepost dlq list shows those that there are", code=Exit.NOT_FOUND) from error

    def _all_letters(self) -> list[str]:
        ids: list[str] = []
        while page := self._files.dead_letters.dead_letters(after=ids[-1] if ids else None):
            ids += [letter.id for letter in page]
        return ids


def note_idle(pid: int | None) -> str:
    """What to say when nobody works on the state file."""
    return "" if pid is not None else "no worker is running: nothing happens until `milepost dev MODULE:APP` does"


def target_of(state: Path) -> str | None:
    """The MODULE:APP that `milepost dev` was last started with on a state file."""
    if not state.exists():
        return None
    with FileClient(None, state) as client:
        return None if client.manifest is None else client.manifest.target
