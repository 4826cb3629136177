"""Begins the worker anew when a Python file changes.

                 ┌────────────── a change: SIGTERM, wait, start anew ──────────────┐
    start ─▶ worker runs ──▶ it ends ─┬▶ by a signal that is not ours: start again in a second
                                      ├▶ another worker has the file, or there is no such module: end
                                      └▶ the app does not load: wait for a change

A worker is a process of its own, for only a fresh interpreter forgets old code. The state file is safe at any instant, so
a worker that does not stop in time is killed.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec
from watchfiles import Change, PythonFilter, watch

from milepost.dev.sayings import Said, Screen, now
from milepost.dev.serving import STOP_WITHIN, Ended, Serving
from milepost.dev.words import several

_GRACE_S: Final = STOP_WITHIN.total_seconds() + 2
_AGAIN_S: Final = 1.0
_DEBOUNCE_MS: Final = 200
_STEP_MS: Final = 50


class Reloader:
    """One `milepost dev`: a worker, and a watch on the files under ``directory``."""

    def __init__(self, what: Serving, screen: Screen, directory: Path) -> None:
        self._what = what
        self._screen = screen
        self._directory = directory
        self._stop = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._has_run = False
        self._of_code = PythonFilter()

    def run(self) -> Ended:
        """Stay until SIGINT or SIGTERM, or until there is nothing to wait for."""
        with self._signals(), self._parent_pipe() as theirs:
            self._start(theirs)
            for changes in watch(
                self._directory,
                watch_filter=self._is_news,
                stop_event=self._stop,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                rust_timeout=100,
                yield_on_timeout=True,
                raise_interrupt=False,
            ):
                if self._stop.is_set():
                    break
                changed = {path for change, path in changes if self._of_code(change, path)}
                if changed:
                    self._reload(changed, theirs)
                elif (ended := self._look(theirs)) is not None:
                    return ended
            self._end()
            return Ended.STOPPED

    def _is_news(self, change: Change, path: str) -> bool:
        """A change of the code; or any change at all once the worker has ended. Other files may change without a pause, the
        state file above all, and while they do `watch` tells nothing else.
        """
        has_ended = self._process is not None and self._process.poll() is not None
        return has_ended or self._of_code(change, path)

    # ---- the worker --------------------------------------------------------------------------------------------------

    def _start(self, pipe: int) -> None:
        what = msgspec.structs.replace(self._what, parent=pipe)
        command = [sys.executable, "-m", "milepost.dev.child", msgspec.json.encode(what).decode()]
        self._process = subprocess.Popen(command, pass_fds=(pipe,))  # noqa: S603 - our own interpreter, our own module

    def _reload(self, paths: set[str], pipe: int) -> None:
        first = min(paths)
        shown = os.path.relpath(first, self._directory)
        more = f" and {several(len(paths) - 1, 'more file')}" if len(paths) > 1 else ""
        self._say(f"{shown}{more} changed: starting anew")
        self._end()
        self._start(pipe)

    def _look(self, pipe: int) -> Ended | None:
        """What has become of the worker; not None when there is nothing left to do."""
        code = None if self._process is None else self._process.poll()
        if code is None:
            return None
        self._process = None
        if code < 0:
            self._say(f"the worker was killed by {signal.Signals(-code).name}: starting it again, runs go on where they were")
            if not self._stop.wait(_AGAIN_S):
                self._start(pipe)
            return None
        if code in (Ended.STATE_FILE, Ended.STOPPED):
            return Ended(code)
        if code == Ended.TARGET and not self._has_run:
            return Ended.APP
        self._has_run = True
        self._say("waiting for a change of the code, Ctrl-C stops")
        return None

    def _end(self) -> None:
        """SIGTERM, then time to end; SIGKILL when that was not enough."""
        process, self._process = self._process, None
        if process is None:
            return
        self._has_run = True
        process.terminate()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._say("the worker did not stop in time and is killed: what it was doing is done again")
            process.kill()
            process.wait()

    def _say(self, text: str) -> None:
        self._screen.say(Said(at=now(), text=text))

    # ---- signals -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _signals(self) -> Generator[None]:
        previous = {number: signal.signal(number, self._signalled) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        if self._stop.is_set() and self._process is not None:
            self._process.kill()
        self._stop.set()

    @contextlib.contextmanager
    def _parent_pipe(self) -> Generator[int]:
        """A worker reads the one end; the other closes with this process, however that ends."""
        theirs, ours = os.pipe()
        try:
            yield theirs
        finally:
            os.close(theirs)
            os.close(ours)
