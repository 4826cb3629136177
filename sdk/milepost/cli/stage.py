"""A deployed stage, as the commands see it: the engine's own queries and moves on the ports of AWS.

The app's code is at hand, and not run: what follows from a move is done by the stage's workers. Imported when --stage is given, for
boto3 is slow to import.
"""

from collections.abc import Collection, Iterator
from typing import Final
from uuid import uuid4

import msgspec

from milepost.app import App
from milepost.aws.assembly import ports_on, worker_on
from milepost.aws.clients import Clients
from milepost.aws.dead_letters import DeadLetter, DeadLetters
from milepost.aws.parameters import read_names
from milepost.cli.exits import CliError, Exit
from milepost.cli.shapes import DeadLetterShape
from milepost.engine import keys
from milepost.engine.client import Client
from milepost.engine.ports import BY_FUNCTION, PAGE_LIMIT
from milepost.timestamps import instant
from milepost.wall_clock import SystemClock

BIRTH_S: Final = 3.0
"""How long runs are waited for: bus, queue and a cold start lie between."""
ID_LENGTH: Final = 26
"""Of a whole run id."""


class StageCloud:
    """`Cloud` on a stage of an app. Raises ConfigurationError for a stage that is not deployed here, AwsError."""

    def __init__(self, app: App, stage: str, clients: Clients) -> None:
        self.pid: Final = None
        self.idle: Final = ""
        self.birth_s: Final = BIRTH_S
        self.pause_s: Final = 0.25
        names = read_names(clients, app.name, stage)
        self._stage = stage
        self.worker: Final = worker_on(ports_on(names, clients, SystemClock()), app.definitions)
        self.client: Final = Client(self.worker, new_id=lambda: str(uuid4()))
        self._dead = DeadLetters(clients, names)

    def runs_like(self, prefix: str, limit: int) -> list[str]:
        """A whole id is looked up; the beginning of one is looked for among the newest runs of each function."""
        if len(prefix) == ID_LENGTH:
            return [prefix] if self.worker.ports.table.get(keys.header(prefix)) is not None else []
        found = {run for run in self._newest() if run.startswith(prefix)}
        return sorted(found)[:limit]

    def none_like(self, given: str) -> CliError:
        if len(given) == ID_LENGTH:
            return CliError(f"stage {self._stage!r} has no run {given!r}", hint=f"milepost runs --stage {self._stage}", code=Exit.NOT_FOUND)
        return CliError(
            f"no id of the newest {PAGE_LIMIT * keys.SHARDS:,} runs of any function begins with {given!r}",
            hint=f"give the whole id, for older runs are found by nothing less: milepost runs --stage {self._stage} --json",
            code=Exit.NOT_FOUND,
        )

    def _newest(self) -> Iterator[str]:
        names = list(self.worker.definitions.functions)
        for function in (*names, *(f"{name}.undo" for name in names)):
            for number in range(keys.SHARDS):
                page = self.worker.ports.table.query_index(BY_FUNCTION, keys.function_shard(function, number), backwards=True)
                yield from (str(item["pk"]).partition("#")[2] for item in page.items)

    def cancel(self, run: str, *, reason: str) -> bool:
        return self.client.commit_cancel(run, reason=reason)

    def letters(self, limit: int) -> list[DeadLetterShape]:
        return [_shape(letter) for letter in self._dead.look(limit)]

    def resume_letters(self, ids: Collection[str] | None) -> list[str]:
        return self._dead.resume(ids)


def _shape(letter: DeadLetter) -> DeadLetterShape:
    return DeadLetterShape(
        id=letter.id,
        group=letter.group,
        deliveries=letter.deliveries,
        sent_at=instant(letter.sent_at_ms),
        dead_at=None,
        body=_json(letter.body),
    )


def _json(text: str) -> msgspec.Raw:
    """What nobody could read may be no JSON: then it is the text."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return msgspec.Raw(msgspec.json.encode(text))
    return msgspec.Raw(text.encode())
