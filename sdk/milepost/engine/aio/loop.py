"""The body's event loop: passive, on the slice's thread, without I/O. It runs what is ready; when it is the turn of what,
turns.py decides.

What would make a replay differ is refused with an error that names step.run: I/O, executors, wake-ups by other threads,
task factories. The first such misuse is noted and fails the run even when a library wraps or swallows the error.
"""

import asyncio
import inspect
import sys
from asyncio import events
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextvars import Context, copy_context
from math import ceil
from threading import get_ident
from types import FrameType
from typing import Any, NoReturn, Protocol

from milepost.engine.aio.tasks import BodyFuture, BodyTask, TaskScope, name_of
from milepost.engine.aio.watchdog import Watch
from milepost.engine.slice import Slice
from milepost.errors import MilepostError, UsageError

_WOKEN = "it was woken from outside of the body, by another thread, loop or run"


class BodyTimer(asyncio.TimerHandle):
    """A timer of the body: ``~timer:n`` in the scope of the task that made it."""

    path: str
    due_at: int
    request: Any = None
    """Whose turn it is to fire it."""


class _Handle(asyncio.Handle):
    """A callback that is ready: without what asyncio's own asks of a loop that debugs."""

    __slots__ = ()

    def __init__(self, callback: Callable[..., Any], args: Sequence[Any], loop: "BodyLoop", context: Context | None) -> None:
        self._context = copy_context() if context is None else context
        self._loop: asyncio.AbstractEventLoop = loop
        self._callback: Callable[..., Any] | None = callback
        self._args: Sequence[Any] = args
        self._cancelled = False
        self._repr = None
        self._source_traceback = None


class Timers(Protocol):
    """Who keeps the timers, and knows the run's clock."""

    def now(self) -> int:
        """The run's clock, in epoch milliseconds."""
        ...

    def add_timer(self, timer: BodyTimer, /) -> None:
        """It is to fire at `timer.due_at`."""
        ...

    def drop_timer(self, timer: BodyTimer, /) -> None:
        """It was cancelled."""
        ...


class _Stopped:
    """The clock of a loop whose slice is over: it stands still, and no timer fires."""

    def __init__(self, at: int) -> None:
        self._at = at

    def now(self) -> int:
        return self._at

    def add_timer(self, timer: BodyTimer, /) -> None:
        """It will not fire."""

    def drop_timer(self, timer: BodyTimer, /) -> None:
        """It would not have fired."""


class BodyLoop(asyncio.AbstractEventLoop):
    """What ``asyncio.get_running_loop()`` gives in the body."""

    def __init__(self, slice_: Slice, timers: Timers) -> None:
        self._slice = slice_
        self._timers = timers
        self._thread = get_ident()
        self._ready: deque[asyncio.Handle] = deque()
        self._serial = 0
        self.tasks: dict[int, BodyTask] = {}
        """By serial number; those that have ended go from time to time."""
        self._root = TaskScope()
        self._is_ours = False
        """Our own code hands something out, between two turns."""
        self._prune_at = 1_000
        self.is_suspending = False
        """The slice is over for the body: nothing that it asks for begins."""
        self.own_code: frozenset[Any] = frozenset()
        """Code of coroutines that need no scope: those of steps."""
        self.watch = Watch(slice_)
        """For the watchdog: does the body come on?"""

    # ---- a turn ------------------------------------------------------------------------------------------------------

    @property
    def has_ready(self) -> bool:
        """Something else runs before this turn ends."""
        return bool(self._ready)

    def run_turns(self, hand_out: Callable[[], bool]) -> None:
        """Run what is ready; then, turn by turn, hand something out and run what that makes ready, until there is nothing
        to hand out.
        """
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=None, finalizer=self._finalize)
        outer = events._get_running_loop()  # noqa: SLF001 - as asyncio.Runner does
        events._set_running_loop(self)  # noqa: SLF001
        ready = self._ready
        self.watch.beats += 1
        self.watch.is_busy = True
        try:
            while True:
                while ready:
                    handle: Any = ready.popleft()
                    if not handle._cancelled:  # noqa: SLF001 - as asyncio's own loops do
                        handle._run()  # noqa: SLF001
                self.watch.beats += 1
                if not hand_out():
                    break
        finally:
            self.watch.is_busy = False
            events._set_running_loop(outer)  # noqa: SLF001
            sys.set_asyncgen_hooks(*hooks)

    def hand_out(self, first: Callable[[], object], then: Callable[[], bool]) -> None:
        """Hand out the first thing, run what that makes ready, and go on as `run_turns` does."""
        left = [first]

        def next_one() -> bool:
            if left:
                left.pop()()
                return True
            return then()

        self.run_turns(next_one)

    def clear(self) -> None:
        """Nothing that was ready runs any more."""
        self._ready.clear()

    def let_go(self) -> None:
        """The slice is over: hold nothing of it, so that it goes at once, without the garbage collector."""
        self._timers = _Stopped(self._timers.now())
        self.tasks.clear()
        self._ready.clear()

    def inside(self, task: BodyTask, call: Callable[..., Any], *args: Any) -> Any:
        """Call something as if the task did so, in a turn of its own."""
        outer = events._get_running_loop()  # noqa: SLF001
        events._set_running_loop(self)  # noqa: SLF001
        asyncio.tasks._enter_task(self, task)  # noqa: SLF001
        self.watch.beats += 1
        self.watch.is_busy = True
        try:
            return call(*args)
        finally:
            self.watch.is_busy = False
            asyncio.tasks._leave_task(self, task)  # noqa: SLF001
            events._set_running_loop(outer)  # noqa: SLF001

    @property
    def is_here(self) -> bool:
        """The caller runs in a turn of this loop, on its thread."""
        return events._get_running_loop() is self and get_ident() == self._thread  # noqa: SLF001

    def current(self) -> BodyTask | None:
        """The task that runs now."""
        task = asyncio.current_task(self)
        return task if isinstance(task, BodyTask) else None

    def scope(self) -> TaskScope | None:
        """The scope of the task that runs now; None outside of any task."""
        task = self.current()
        return None if task is None else task.scope

    # ---- what asyncio asks of a loop ---------------------------------------------------------------------------------

    def time(self) -> float:
        """The run's clock in seconds: on a replay what it was then."""
        return self._timers.now() / 1000

    def get_debug(self) -> bool:
        return False

    def set_debug(self, enabled: bool) -> None:
        """Of no effect: debugging would look at the clock."""

    def is_running(self) -> bool:
        return events._get_running_loop() is self  # noqa: SLF001

    def is_closed(self) -> bool:
        """False; True to other threads, which ask before they wake it, and must not."""
        if get_ident() == self._thread:
            return False
        self._note(_WOKEN)
        return True

    def call_soon_threadsafe(  # type: ignore[override]
        self,
        callback: Callable[..., Any],  # noqa: ARG002 - refused, whatever it is
        *args: Any,  # noqa: ARG002
        context: Context | None = None,  # noqa: ARG002
    ) -> NoReturn:
        if get_ident() == self._thread:
            self.misused("its event loop has no call_soon_threadsafe()")
        noted = self._note(_WOKEN)
        raise RuntimeError(str(noted)) from noted  # as a closed loop does, which threads of libraries know of

    def create_future(self) -> asyncio.Future[Any]:
        self._serial += 1
        future = BodyFuture(loop=self)
        future.serial = self._serial
        return future

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None, **options: Any) -> asyncio.Task[Any]:
        """A task with a scope of its own: ``name``, or the coroutine's name, within the scope of the task that makes it."""
        if options.get("eager_start"):
            self.misused("a task that starts eagerly runs before it is its turn")
        parent, prefix = self._root, None
        if getattr(coro, "cr_code", None) not in self.own_code:
            if name is None and _is_of_a_set(inspect.currentframe()):
                self.misused("asyncio.as_completed() makes tasks of coroutines in no certain order; give it tasks that you have made")
            parent = self.scope() or self._root
            prefix = parent.of_task(name_of(coro) if name is None else str(name))
        task = self.spawn(coro, prefix, name=None if name is None else str(name), context=context)
        if prefix is not None and name is None:
            task.named_after = (parent, name_of(coro))
        return task

    def spawn(
        self, coro: Coroutine[Any, Any, Any], prefix: str | None, *, name: str | None = None, context: Context | None = None
    ) -> BodyTask:
        """A task whose steps have this prefix; without one it has none."""
        self._serial += 1
        own = copy_context() if context is None else context
        task: BodyTask = BodyTask.__new__(BodyTask)
        task.serial = self._serial
        task.scope = None if prefix is None else TaskScope(prefix, own)
        task.own_context = own
        BodyTask.__init__(task, coro, loop=self, name=name or f"Task-{self._serial}", context=own)
        if self.is_suspending:
            task._log_destroy_pending = False  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001
            coro.close()
        else:
            self.tasks[task.serial] = task
            if len(self.tasks) > self._prune_at:
                self.tasks = {serial: task for serial, task in self.tasks.items() if not task.done()}
                self._prune_at = 2 * len(self.tasks) + 1_000
        return task

    def call_soon(  # type: ignore[override]  # whatever the arguments are, they are passed on
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = _Handle(callback, args, self, context)
        if self.is_suspending:
            return handle
        if events._get_running_loop() is not self and not self._is_ours:  # noqa: SLF001
            self.misused(_WOKEN)
        self._ready.append(handle)
        return handle

    def ours(self, call: Callable[[], object]) -> None:
        """Let our own code call into the loop between two turns."""
        self._is_ours = True
        try:
            call()
        finally:
            self._is_ours = False

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = BodyTimer(when, callback, args, self, context)
        timer.due_at = ceil(when * 1000 - 1e-3)  # a float of this size has a resolution of 0.0002 ms
        timer.path = (self.scope() or self._root).timer()
        timer._scheduled = True  # type: ignore[attr-defined]  # noqa: SLF001 - makes cancel() tell us
        if not self.is_suspending:
            self._timers.add_timer(timer)
        return timer

    def spawn_main(self, body: Coroutine[Any, Any, Any], context: Context) -> BodyTask:
        """The task of the body itself: its steps have no scope."""
        box: list[BodyTask] = []
        self.ours(lambda: box.append(self.spawn(body, "", name="body", context=context)))
        return box[0]

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        if isinstance(handle, BodyTimer) and not self.is_suspending:
            self._timers.drop_timer(handle)

    def fire(self, timer: BodyTimer) -> None:
        """Its time has come."""
        timer._scheduled = False  # type: ignore[attr-defined]  # noqa: SLF001
        self._ready.append(timer)

    # ---- what goes wrong ---------------------------------------------------------------------------------------------

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Log what nobody else hears of."""
        if self.is_suspending or self._slice.is_silent(""):
            return
        error = context.get("exception")
        header = self._slice.header
        self._slice.worker.log.error(
            "something went wrong in the body's event loop",
            what=context.get("message"),
            run_id=header.run,
            function=header.function,
            error=None if error is None else f"{type(error).__name__}: {error}",
        )

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.call_exception_handler(context)

    def get_exception_handler(self) -> None:
        return None

    def get_task_factory(self) -> None:
        return None

    def _finalize(self, generator: AsyncGenerator[Any, Any]) -> None:
        """The body has let go of a generator that had not ended: end it in a task, as asyncio does."""
        if self.is_here and not self.is_suspending:
            _ = self.spawn(generator.aclose(), self._root.of_task(name_of(generator)))

    def misused(self, why: str) -> NoReturn:
        """Refuse what a replay could not do the same way; noted, so that it fails the run even when swallowed."""
        raise self._note(why)

    def _note(self, why: str) -> MilepostError:
        function = self._slice.definition.name
        return self._slice.misused(
            UsageError(
                f"the body of {function} cannot do this: {why}. A body is replayed, so what it does besides its steps must be the same "
                "every time: put I/O, threads and executors into a function, and call it with step.run(name, function, ...)"
            )
        )

    async def shutdown_asyncgens(self) -> None:
        """Of no effect: the loop ends with the slice."""


def _is_of_a_set(frame: FrameType | None) -> bool:
    """The task is made by as_completed(), which puts the coroutines that it is given into a set: by their addresses."""
    frame = None if frame is None else frame.f_back
    while frame is not None and frame.f_globals.get("__name__") == "asyncio.tasks":
        if "completed" in frame.f_code.co_qualname.lower():
            return True
        frame = frame.f_back
    return False


def _refusal(name: str) -> Callable[..., Any]:
    def refuse(self: BodyLoop, *_args: Any, **_kwargs: Any) -> NoReturn:
        self.misused(f"its event loop has no {name}()")

    refuse.__name__ = name
    return refuse


def body_loop(slice_: Slice, timers: Timers) -> BodyLoop:
    """A loop. The methods that it refuses are not written out, so type checkers take it for abstract."""
    make: Any = BodyLoop
    loop: BodyLoop = make(slice_, timers)
    return loop


_ALLOWED = frozenset(vars(BodyLoop)) | {"__class__"}
for _name in [name for name in dir(asyncio.AbstractEventLoop) if not name.startswith("_") and name not in _ALLOWED]:
    setattr(BodyLoop, _name, _refusal(_name))
