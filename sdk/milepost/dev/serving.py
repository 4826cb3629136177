"""The worker of `milepost dev`, in this process: loads the app, runs its local cloud until a signal, says what happens.

Never watches files: a changed app needs a new process (`reloading.py`).
"""

import os
import signal
import sys
import threading
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Final

import msgspec

from milepost.app import App
from milepost.dev.found import found_in
from milepost.dev.log import ScreenLog
from milepost.dev.moves import Moves
from milepost.dev.sayings import Problem, Ready, Said, Screen, now
from milepost.errors import StateFileError
from milepost.loading import AppNotLoaded, Trouble, load_app
from milepost.local.catalog import UnderWay
from milepost.local.cloud import FileClient, LocalCloud

STOP_WITHIN: Final = timedelta(seconds=5)
"""How long slices in flight may take to end; what has not ended then is delivered again, like after a crash."""

_PATIENCE_S: Final = 0.5


class Ended(IntEnum):
    """How a worker ended; its process's exit code."""

    STOPPED = 0
    FAILED = 1
    TARGET = 2
    STATE_FILE = 4
    APP = 5


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What to run."""

    target: str
    state: str
    threads: int
    as_json: bool = False
    parent: int | None = None
    """A pipe of which the other end dies with the process that watches over this one."""


def serve(what: Serving, screen: Screen) -> Ended:
    """Run the app until SIGINT or SIGTERM; a SIGINT after that ends it at once. (Ctrl-C reaches the worker from the terminal,
    and a SIGTERM from its watcher follows: that one is not a second wish.) Errors are said, not raised.
    """
    try:
        app = load_app(what.target)
    except AppNotLoaded as error:
        screen.say(Problem(at=now(), error=str(error), hint=error.hint, trace=error.trace))
        return Ended.TARGET if error.trouble in (Trouble.TARGET, Trouble.NO_MODULE) else Ended.APP
    state = Path(what.state)
    try:
        _run(app, what, state, screen)
    except StateFileError as error:
        screen.say(Problem(at=now(), error=str(error), hint="--state PATH names another state file", trace=""))
        return Ended.STATE_FILE
    return Ended.STOPPED


def _run(app: App, what: Serving, state: Path, screen: Screen) -> None:
    is_serving = threading.Event()

    def terminated(*_: object) -> None:
        if not is_serving.is_set():
            _leave_now()

    previous = signal.signal(signal.SIGINT, _leave_now), signal.signal(signal.SIGTERM, terminated)
    try:
        with Moves(screen, state, all_moves=what.as_json) as moves:
            cloud = LocalCloud(
                app,
                state,
                threads=what.threads,
                observe=moves.moved,
                log=ScreenLog(moves.logged),
                target=what.target,
            )
            before = _under_way(state)
            with cloud:
                _hide_from_git(state)
                screen.say(_ready(app, what, before))
                if what.parent is not None:
                    _end_with(what.parent, cloud)
                is_serving.set()
                cloud.serve()
                _stop(cloud, screen)
    finally:
        signal.signal(signal.SIGINT, previous[0])
        signal.signal(signal.SIGTERM, previous[1])


def _stop(cloud: LocalCloud, screen: Screen) -> None:
    """Let slices in flight end; say so when that takes long."""
    words = f"letting steps in flight end, for {STOP_WITHIN.seconds} s at the most; Ctrl-C again ends at once, and nothing is lost"
    patience = threading.Timer(_PATIENCE_S, lambda: screen.say(Said(at=now(), text=words)))
    patience.daemon = True
    patience.start()
    try:
        cloud.stop(within=STOP_WITHIN)
    finally:
        patience.cancel()


def _ready(app: App, what: Serving, before: UnderWay) -> Ready:
    moment = now()
    return Ready(
        at=moment,
        target=what.target,
        state=what.state,
        pid=os.getpid(),
        found=found_in(app.definitions, moment),
        waiting=before.waiting,
        paused=before.paused,
    )


def _under_way(state: Path) -> UnderWay:
    if not state.exists():
        return UnderWay(0, 0)
    with FileClient(None, state) as client:
        return client.catalog.under_way()


def _hide_from_git(state: Path) -> None:
    """State is nobody's source: our own directory says so to git."""
    ignore = state.parent / ".gitignore"
    if state.parent.name == ".milepost" and not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def _end_with(parent: int, cloud: LocalCloud) -> None:
    """A worker that outlived its watcher would hold the state file against the next one."""

    def wait() -> None:
        os.read(parent, 1)
        cloud.stop(within=STOP_WITHIN)

    threading.Thread(target=wait, name="milepost parent", daemon=True).start()


def _leave_now(*_: object) -> None:
    """Nothing has begun, or somebody does not want to wait: the state file is safe at any instant, so nothing has to be waited for."""
    sys.stdout.flush()
    os._exit(130)
