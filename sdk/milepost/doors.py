"""The doors of an app: send, look at runs, cancel, rerun, answer callbacks. They act on the ambient cloud.

In this order: that of the running slice, or the one entered around the call (LocalCloud, Sandbox); the deployed app that the
`MILEPOST_*` variables name; the state file that `milepost dev` made in the working directory. Nothing is opened before the first call.
"""

import os
import threading
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, overload
from weakref import finalize

from milepost.errors import NoCloudError
from milepost.functions import Definitions, Function
from milepost.runs import Run, RunStatus, StatusName

if TYPE_CHECKING:
    from milepost.engine.client import Client

R = TypeVar("R")

STATE_FILE = ".milepost/state.db"


class Doors:
    """What an app can do from anywhere."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._files: dict[str, Client] = {}
        self._deployed: Client | None = None
        self._mutex = threading.Lock()
        self._open = ExitStack()
        finalize(self, self._open.close)

    @property
    def definitions(self) -> Definitions:
        """What is registered; for milepost's own use."""
        return self._definitions

    def send(self, *events: object, id: str | None = None, at: datetime | None = None) -> list[str]:
        """Send events; returns their ids once the bus has accepted them.

        ``id``: one of your own (1 to 256 characters): the same id starts nothing twice; several events get ``id:0``,
        ``id:1``, ... ``at``: aware; nothing starts before that. Raises EventError, UsageError, NoCloudError before
        anything is sent.
        """
        return self._cloud().send(events, id=id, at=at)

    def run(self, id: str, /) -> Run[Any]:
        """A live handle on the run; whether there is one shows when it is read. Raises NoCloudError."""
        return Run(id, self._cloud().reader)

    @overload
    def runs(
        self,
        function: Function[Any, R],
        /,
        *,
        status: RunStatus | StatusName | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[Run[R]]: ...
    @overload
    def runs(
        self,
        function: str | None = None,
        /,
        *,
        status: RunStatus | StatusName | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[Run[Any]]: ...
    def runs(
        self,
        function: Function[Any, Any] | str | None = None,
        /,
        *,
        status: RunStatus | StatusName | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[Run[Any]]:
        """The newest runs, of one function or of all: with that status, created from ``since`` (included) to ``until``
        (included), at most ``limit``. Raises FunctionNotFound, NoCloudError, ValueError for an unknown status.
        """
        from milepost.engine.reading import RunsQuery

        name = function.name if isinstance(function, Function) else function
        wanted = None if status is None else RunStatus(status)
        return self._cloud().runs(RunsQuery(function=name, status=wanted, since=since, until=until, limit=limit))

    def cancel(self, run: str | Run[Any], /) -> None:
        """Cancel a run; one that has ended stays as it is. Returns once that is committed: no step of it begins any more
        when it has settled, a moment later. Raises RunNotFound, NoCloudError.
        """
        self._cloud().cancel(_id_of(run))

    def rerun(self, run: str | Run[Any], /, *, from_step: str | None = None, input: object = None) -> Run[Any]:
        """Run it again as a run of its own; the original stays as it is.

        ``from_step``: keep what was recorded before that step, and begin there. ``input`` replaces the event's data (an
        event, or its fields), or with ``from_step`` that step's arguments (a list: positional, a dict: by keyword, anything
        else: the only one). Raises RunNotFound, StepNotFound, FunctionNotFound, EventError, NoCloudError.
        """
        return self._cloud().rerun(_id_of(run), from_step=from_step, input=input)

    def pause(self, run: str | Run[Any], /) -> bool:
        """Stop a run until `resume`, or until new code is deployed; False when it has ended or is paused already. A step that is
        under way ends and is recorded, no other begins. Raises RunNotFound, NoCloudError.
        """
        return self._cloud().pause(_id_of(run))

    def resume(self, run: str | Run[Any], /) -> bool:
        """Let a paused run go on; False when it is not paused. Raises RunNotFound, NoCloudError."""
        return self._cloud().resume(_id_of(run))

    def callback(self, token: str, /) -> "Callback":
        """What answers a `Step.wait_for_callback`. Raises NoCloudError."""
        return Callback(self._cloud(), token)

    # ---- the ambient cloud -------------------------------------------------------------------------------------------

    def _cloud(self) -> "Client":
        from milepost.engine.ambient import CURRENT
        from milepost.engine.client import Client

        ambient = CURRENT.get()
        if ambient is not None:
            return Client(ambient.worker, new_id=_new_id, hops=ambient.hops + 1)
        from milepost.contract import is_configured

        if is_configured(os.environ):
            return self._on_aws()
        path = os.path.abspath(STATE_FILE)  # noqa: PTH100 - pathlib would be most of the time that `import milepost` takes
        if not os.path.exists(path):  # noqa: PTH110 - as above
            raise NoCloudError(
                "no cloud to act on: not inside a running function, nor within `with LocalCloud(app)` or `with Sandbox(app)`; no "
                "MILEPOST_TABLE and its like in the environment, which name a deployed app; and "
                f"there is no {STATE_FILE} here, which `milepost dev MODULE:APP` makes in the directory it is started in"
            )
        if path not in self._files:
            from milepost.local.cloud import FileClient

            self._files[path] = self._open.enter_context(FileClient(self, path)).client
        return self._files[path]

    def _on_aws(self) -> "Client":
        """The deployed app that the environment names. Made once: the environment of a process does not change."""
        with self._mutex:
            if self._deployed is None:
                from milepost.aws.assembly import client_on
                from milepost.aws.clients import Clients
                from milepost.contract import names_from_environment

                names = names_from_environment(os.environ)
                self._deployed = client_on(names, self._definitions, Clients.from_environment(os.environ))
            return self._deployed


class Callback:
    """The answer to one callback. The first answer counts; every method raises UsageError for a bad token, RunNotFound."""

    def __init__(self, client: "Client", token: str, /) -> None:
        self._client = client
        self._token = token

    def succeed(self, value: object = None, /) -> None:
        """The wait returns this value, rebuilt as its ``returns=``. Raises ValueNotStorable."""
        self._client.succeed(self._token, value)

    def fail(self, error: str | Exception, /) -> None:
        """The wait raises a StepError of this error."""
        self._client.fail(self._token, error)

    def heartbeat(self) -> None:
        """Still at it: the wait's ``heartbeat=`` begins anew."""
        self._client.heartbeat(self._token)


def _new_id() -> str:
    from uuid import uuid4

    return str(uuid4())


def _id_of(run: str | Run[Any]) -> str:
    return run if isinstance(run, str) else run.id
