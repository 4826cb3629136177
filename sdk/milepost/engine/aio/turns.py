"""When it is the turn of what: the scheduler of an async body.

A turn is one thing handed out, then whatever that makes ready. Between two turns, in this order (docs/design/async.md rule 3):

    (a) hand out what the body has asked for and whose place in the history is known, the lowest first
    (b) hand out what is due, or was completed by others, by (time, path)
    (c) begin what was asked for
    (d) wait for work, or for the next due time when that is near
    (e) write the records of what has ended, together; they now have a place, so (a) hands them out
    (f) suspend

Nothing begins while (a) or (b) has something, so that a replay meets the same world as the first run.
"""

from asyncio import CancelledError
from collections.abc import Coroutine
from contextvars import Context
from heapq import heappop, heappush
from typing import Any

from milepost.engine.abandoning import abandon
from milepost.engine.aio.fans import FanRequest
from milepost.engine.aio.io import IoRunner
from milepost.engine.aio.loop import BodyTimer, body_loop
from milepost.engine.aio.requests import Request, TimerRequest
from milepost.engine.aio.suspending import deadlock, suspend_all
from milepost.engine.aio.watchdog import watched
from milepost.engine.children import InvokeOperation
from milepost.engine.interrupts import Interrupt, Suspend
from milepost.engine.order import Order
from milepost.engine.pump import Pump
from milepost.engine.records import Record
from milepost.engine.running import RunOperation
from milepost.engine.slice import Slice
from milepost.engine.starting import write_down


class Turns:
    """Drives one async body through one slice. It owns the jobs of what the body has asked for."""

    def __init__(self, slice_: Slice, order: Order) -> None:
        self._slice = slice_
        self._order = order
        self._pump = Pump(slice_, (slice_.worker.runner or IoRunner)(slice_.worker.threads))
        self.loop = body_loop(slice_, self)
        self._fresh: list[Request] = []
        """Asked for in the last turn."""
        self._known: list[tuple[int, int, int, str, Request]] = []
        """(a), a heap."""
        self._live: list[tuple[int, str, Request]] = []
        """(b), a heap."""
        self._due: list[tuple[int, str, Request]] = []
        """What will be due, a heap; with entries of what was dropped since."""
        self._to_begin: list[Request] = []
        self._waiting: dict[str, Request] = {}
        """What waits for time or others, by path."""
        self._quiet: list[Record] = []
        """Records to be written before anything else begins, of which the body hears nothing."""
        self._lost: list[Record] = []
        """What the body has cancelled, to be let go."""
        self._fans: set[FanRequest] = set()
        self._unsent: list[Request] = []
        """Children that have not been started."""
        self._interrupt: Interrupt | None = None
        order.t = slice_.header.started_at or 0

    # ---- what the body asks for --------------------------------------------------------------------------------------

    def now(self) -> int:
        return self._order.t

    def ask(self, request: Request) -> None:
        """The body waits for this from now on."""
        self._fresh.append(request)

    def is_next(self, path: str) -> bool:
        """Whether this is the next thing to be handed out, and nothing else is ready: then this turn ends, and the next begins,
        without leaving the body. Whoever asks takes it.
        """
        if self.loop.has_ready or self._fresh or self._lost or self._quiet:
            return False
        place = self._order.place(path)
        if place is None or place[2] < 0 or (self._known and self._known[0][:2] < place[:2]):
            return False
        self.loop.watch.beats += 1
        self._come_to(place)
        return True

    def write_first(self, record: Record) -> None:
        """Write this before anything else begins."""
        self._quiet.append(record)

    def add_timer(self, timer: BodyTimer, /) -> None:
        timer.request = TimerRequest(timer, self._slice, self)
        self._fresh.append(timer.request)

    def drop_timer(self, timer: BodyTimer, /) -> None:
        request: Request = timer.request
        if not request.is_handed:
            self._waiting.pop(timer.path, None)
            self._cancel(request)

    def withdraw(self, request: Request) -> None:
        """The body has cancelled what it asked for, before it saw it."""
        if not request.is_handed:
            self._waiting.pop(request.path, None)
            self._cancel(request)

    def _cancel(self, request: Request) -> None:
        self._pump.drop(request)
        request.drop(self._pump)
        place = self._order.place(request.path)
        if place is None or place[2] >= 0:
            self._order.never(request.path)
        self._lost.extend(request.left_behind())

    # ---- the slice ---------------------------------------------------------------------------------------------------

    def run(self, body: Coroutine[Any, Any, Any], context: Context) -> Any:
        """Run the body as far as it goes. Raises what it raises, or the interrupt that ends the slice."""
        try:
            with watched(self.loop.watch):
                return self._run(body, context)
        finally:
            self.loop.let_go()
            for held in (self._fresh, self._known, self._live, self._due, self._to_begin, self._waiting, self._fans, self._unsent):
                held.clear()

    def _run(self, body: Coroutine[Any, Any, Any], context: Context) -> Any:
        main = self.loop.spawn_main(body, context)
        try:
            self.loop.run_turns(self._hand_known)
            while not main.done():
                self._between_turns()
            self._slice.outage.check()
        except BaseException as error:  # an interrupt; sys.exit() in any task; the end of the process
            suspend_all(self.loop, self._slice)
            if isinstance(error, Suspend):
                self._order.covered = self._slice.header.epoch  # what was said so far, in `finally` too, is not said again
            raise
        finally:
            self._pump.drop_all()
        has_returned = not main.cancelled() and main.exception() is None
        suspend_all(self.loop, self._slice, left_over=has_returned)
        if has_returned:
            self._let_go()  # else the body is tried again, and may not cancel it then; or the run has failed, and settles
        try:
            return main.result()
        except CancelledError as error:
            raise RuntimeError("the body ended with CancelledError: it cancelled itself, or raised one") from error

    def _between_turns(self) -> None:
        self._slice.outage.check()
        self._sort()
        if self._lost:
            self._let_go()
        if self._known:
            self.loop.run_turns(self._hand_known)
        elif self._has_live():
            *_, request = heappop(self._live)
            if not request.is_dropped:
                self.loop.hand_out(lambda: self._hand(request, None), self._hand_known)
        else:
            has_begun = self._begin()
            if not (self._live or self._commit() or has_begun or self._wait()):
                self._give_up()

    def _hand_known(self) -> bool:
        """(a), in a turn that has ended: begin the next, as long as there is nothing else to do between them."""
        if self._fresh:
            self._sort()
        if self._lost:
            return False
        while self._known:
            epoch, k, t, _path, request = heappop(self._known)
            if not request.is_dropped:
                self._hand(request, (epoch, k, t))
                return True
        return False

    def _hand(self, request: Request, place: tuple[int, int, int] | None) -> None:
        """Hand it out, at its place in the history, or now."""
        order = self._order
        if place is None:
            order.t = max(order.t, self._slice.worker.now())
            place = order.saw(request.path)
            order.last = max(order.last, place[:2])
        else:
            self._come_to(place)
        self._waiting.pop(request.path, None)
        request.hand_out()

    def _come_to(self, place: tuple[int, int, int]) -> None:
        """The body is now where it was at this place."""
        order, t = self._order, place[2]
        order.t = max(order.t, t)
        self._slice.run_now = max(self._slice.run_now, t)
        if place > order.last:
            order.last = place[:2]

    # ---- (a), (b) ----------------------------------------------------------------------------------------------------

    def _sort(self) -> None:
        """Find out where each thing belongs that was asked for in the last turn."""
        fresh, self._fresh = self._fresh, []
        for request in fresh:
            if self._slice.frozen and isinstance(request.operation, RunOperation):
                request.operation.keep_recorded_undo()
            if request.is_dropped:
                continue
            place = self._order.place(request.path)
            if place is not None:
                if place[2] >= 0:
                    heappush(self._known, (*place, request.path, request))
                else:  # cancelled at that time, and will be again before anything begins
                    self._to_begin.append(request)
                continue
            at = request.completed_at()
            if at is not None:
                heappush(self._live, (at, request.path, request))
            else:
                self._to_begin.append(request)

    def _has_live(self) -> bool:
        while self._due and (self._due[0][2].is_dropped or self._due[0][2].is_handed or self._slice.is_due(self._due[0][0])):
            at, path, request = heappop(self._due)
            if request.is_dropped or request.is_handed or request.due_at != at:
                continue
            if request.is_over_when_due:
                heappush(self._live, (at, path, request))
            else:
                self._to_begin.append(request)
        return bool(self._live)

    # ---- (c) ---------------------------------------------------------------------------------------------------------

    def _begin(self) -> bool:
        if self._interrupt is not None or not (self._to_begin or self._quiet):
            return False
        quiet, self._quiet = self._quiet, []
        if quiet and not self._slice.frozen:
            self._slice.journal.put_many(quiet)
        to_begin, self._to_begin = self._to_begin, []
        crowded = len(to_begin) > self._slice.worker.settings.crowd
        for place, request in enumerate(to_begin):
            if crowded and isinstance(request.operation, InvokeOperation):
                request.operation.crowd = True
            if request.is_dropped:
                continue
            if self._slice.leaves(request.path):
                self._waiting[request.path] = request
                continue
            try:
                request.begin(self._pump)
            except Interrupt as interrupt:
                self._interrupt = interrupt
                self._to_begin = to_begin[place:]
                break
        return True

    # ---- what becomes of the jobs ------------------------------------------------------------------------------------

    def done(self, job: Any, value: Any, /, *, is_committed: bool) -> None:
        job.value = value
        self._over(job, is_committed=is_committed)

    def raised(self, job: Any, error: BaseException, /, *, is_committed: bool) -> None:
        job.error = error
        self._over(job, is_committed=is_committed)

    def _over(self, request: Request, *, is_committed: bool) -> None:
        request.is_over = True
        place = self._order.place(request.path) if is_committed else None
        if place is not None and place[2] >= 0:
            heappush(self._known, (*place, request.path, request))
        else:
            at = self._slice.worker.now() if request.due_at is None else request.due_at
            heappush(self._live, (at, request.path, request))

    def waits(self, job: Any, /) -> None:
        self._waiting[job.path] = job
        if job.pending is not None and job.pending.start is not None:
            self._unsent.append(job)
        if job.due_at is not None and not self._slice.frozen:  # to begin it again would tell a replay nothing new
            heappush(self._due, (job.due_at, job.path, job))

    def rests(self, job: Any, /) -> None:
        self.waits(job)

    def keep_going(self, fan: FanRequest, /) -> None:
        self._fans.add(fan)
        self._interrupt = self._interrupt or fan.go_on()

    def wake(self, request: Request, /) -> None:
        if request.due_at is not None:
            heappush(self._due, (request.due_at, request.path, request))

    def worked(self, job: Any, /) -> None:
        """Told again when it has been judged."""

    # ---- (d), (e) ----------------------------------------------------------------------------------------------------

    def _commit(self) -> bool:
        took = self._pump.take_finished()
        self._go_on()
        self._slice.outage.check()
        if self._pump.has_commits:
            self._order.t = max(self._order.t, self._slice.worker.now())
            self._pump.commit()
            self._go_on()
            took = True
        return took

    def _go_on(self) -> None:
        """Let the fans begin more of their items, and see which of them are through."""
        for fan in list(self._fans):
            interrupt = fan.go_on()
            self._interrupt = self._interrupt or interrupt
            if fan.is_through or fan.is_dropped:
                self._fans.discard(fan)

    def _wait(self) -> bool:
        first = self._due[0][0] if self._due else None
        if self._pump.running:
            self._send_early()
            self._pump.wait(None if first is None else max(0, first - self._slice.worker.now()) / 1000)
            return True
        if self._interrupt is not None:
            raise self._interrupt
        if first is None or not self._waiting:
            return False
        if first - self._slice.worker.now() <= self._slice.worker.settings.wait_in_slice_ms:
            self._send_early()  # what is near may be a child's time-out
        return bool(self._fresh) or self._slice.wait_here(first)

    def _send_early(self) -> None:
        """Children are started before the slice waits, not after it."""
        unsent, self._unsent = [request for request in self._unsent if not request.is_dropped], []
        pendings = [request.pending for request in unsent if request.pending is not None]
        if not pendings:
            return
        for request, stands in zip(unsent, write_down(self._slice, pendings), strict=True):
            request.pending = stands
            if stands.record.is_final:
                self._waiting.pop(request.path, None)
                self._fresh.append(request)

    # ---- (f) ---------------------------------------------------------------------------------------------------------

    def _let_go(self) -> None:
        lost, self._lost = self._lost, []
        if lost and not self._slice.frozen:
            header = self._slice.header
            abandon(self._slice, lost, f"the body of run {header.run} of {header.function} has cancelled it")

    def _give_up(self) -> None:
        """Nothing more can happen in this slice."""
        if not self._waiting and not self._slice.frozen:
            raise deadlock(self.loop, self._slice)
        for request in self._waiting.values():
            for pending in request.pendings():
                self._slice.park(pending)
        raise Suspend
