"""The loop of the one worker of a state file: takes messages that are due, hands them to threads, fires crons, sweeps.

It differs from the SQS handler only in receiving and acknowledging; both call `deliver`. Other processes' writes are
noticed within POLL_MS, this one's at once.
"""

import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from milepost.engine.deliver import Ack, Later, deliver
from milepost.engine.messages import MessageError, Received, about
from milepost.engine.schedules import Schedules
from milepost.engine.sweep import sweep
from milepost.engine.worker import Worker
from milepost.errors import StateFileError
from milepost.local.event_log import EventLog
from milepost.local.lanes import HUB
from milepost.local.mailbox import Mailbox
from milepost.local.store import Store
from milepost.local.table import LocalTable

if TYPE_CHECKING:
    from milepost.local.hub import Hub

POLL_MS = 50
SWEEP_MS = 60_000
SLICE_MS = 900_000
"""The longest invocation: that of Lambda (quotas, read 2026-11-22). Nobody but the worker's end takes a thread away."""

AT_ONCE = 1 << 62
"""Later than any message."""

SLICES = 512
"""Slices of async functions at once."""

_FIRST_RETRY_MS = 1_000
_LAST_RETRY_MS = 60_000


class Loop:
    """Runs on a thread of its own from start to stop. What this process sends goes from its sender to a free thread at once,
    and a thread that is done takes the next message itself: the loop's own thread sees to times, and to what other
    processes write, of which ``others_wrote`` is told.
    """

    def __init__(
        self,
        store: Store,
        mailbox: Mailbox,
        worker: Worker,
        *,
        others_wrote: Callable[[], None],
        threads: int,
        slices: int = SLICES,
        slice_ms: int = SLICE_MS,
    ) -> None:
        self._store = store
        self._mailbox = mailbox
        self._worker = worker
        self._others_wrote = others_wrote
        self._table = LocalTable(store)
        self._event_log = EventLog(store)
        self._schedules = Schedules(worker)
        self._threads = Threads(threads, self._dispatch)
        self._hub: Hub | None = None
        self._hub_worker = worker
        self._slices = slices
        self._hub_lock = threading.Lock()
        self._slice_ms = slice_ms
        self._sweep_at = worker.now()
        self._poll_at = worker.now()
        self._tend_at = worker.now()
        """Not before that, after a failure."""
        self._next_at = AT_ONCE
        """The loop's thread sleeps until then."""
        self._wake = threading.Event()
        self._is_running = False
        self.failure: BaseException | None = None
        """What ended the loop before its time."""
        self._thread = threading.Thread(target=self._run, name="milepost loop", daemon=True)
        store.listen(self._told)

    def start(self) -> None:
        """Begin to deliver."""
        self._is_running = True
        self._thread.start()

    def stop(self, within_s: float) -> bool:
        """Take no more messages, let slices in flight end; False when some had not by then: they are delivered again."""
        self._is_running = False
        self._wake.set()
        self._thread.join()
        deadline = time.monotonic() + within_s
        with self._hub_lock:
            hub = self._hub
            if hub is not None:
                hub.stop()
        has_ended = self._threads.join(within_s)
        return (hub is None or hub.join(max(0.0, deadline - time.monotonic()))) and has_ended

    # ---- the loop's thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._is_running:
                self._wake.clear()
                self._next_at = AT_ONCE  # whoever sends a timer from here on wakes us
                self._next_at = due = self._turn()
                wait_ms = due - self._worker.now()
                if wait_ms > 0:
                    self._wake.wait(wait_ms / 1000)
        except BaseException as error:  # noqa: BLE001 - kept for the thread that serves, which raises it
            self.failure = error

    def _turn(self) -> int:
        """Do what is due; returns when the next is."""
        now = self._worker.now()
        self._tend(now)
        if self._poll_at <= now:
            self._poll_at = now + POLL_MS
            if self._store.changed_elsewhere():  # commits acknowledgements, too
                self._mailbox.look_again()
                self._others_wrote()
        self._dispatch()
        due = [max(self._sweep_at, self._tend_at), self._poll_at]
        if (tick := self._schedules.next_at()) is not None:
            due.append(max(tick, self._tend_at))
        if (message := self._mailbox.next_due_at()) is not None:
            due.append(message)
        return min(due)

    def _tend(self, now: int) -> None:
        """Crons and the sweeper: what fails is done again a little later, and holds up no message."""
        if now < self._tend_at:
            return
        try:
            self._keep_house(now)
        except StateFileError:
            raise  # which time alone does not mend
        except Exception as error:
            self._worker.log.exception("crons could not be fired, or the state not swept: tried again in a second", error=str(error))
            self._tend_at = now + _FIRST_RETRY_MS

    def _keep_house(self, now: int) -> None:
        tick = self._schedules.next_at()
        if tick is not None and tick <= now:
            self._schedules.fire()
        if self._sweep_at <= now:
            sweep(self._worker)
            self._table.expire(now // 1000)
            self._event_log.expire(now - self._worker.settings.event_retention_ms)
            self._sweep_at = now + SWEEP_MS

    # ---- any thread --------------------------------------------------------------------------------------------------

    def _told(self) -> None:
        """This process has sent a message."""
        if not self._is_running:
            return
        if self._mailbox.must_look:
            self._wake.set()  # the loop's thread reads the file; whoever has sent something need not wait for that
            return
        self._dispatch()
        due = self._mailbox.next_due_at()
        if due is not None and due < self._next_at:
            self._wake.set()

    def _dispatch(self) -> None:
        """Give what is visible to threads that are free. A message that comes, or a thread that becomes free, in between is
        seen by whoever looks last.
        """
        if self._mailbox.has_visible(self._worker.now(), HUB):
            self._poke_hub()
        while self._is_running and self._mailbox.has_visible(self._worker.now()) and self._threads.reserve():
            received = self._take()
            if received is None:
                self._threads.release()
            else:
                self._threads.run(self._handler(received))

    def _poke_hub(self) -> None:
        """Its thread takes the messages itself; it is made for the first of them."""
        if self._hub is None:
            self._make_hub()
        if self._hub is not None:
            self._hub.poke()

    def _make_hub(self) -> None:
        from milepost.local.hub import Hub  # with it greenlet and asyncio, which apps without async functions do not load

        with self._hub_lock:
            if self._is_running and self._hub is None:
                hub = Hub(self._store, self._take_slices, most=self._slices, failed=self._fail, threads=self._worker.threads)
                self._hub_worker = hub.worker(self._worker)
                hub.start()
                self._hub = hub

    def _take_slices(self, most: int) -> list[Callable[[], None]]:
        received = self._mailbox.receive(self._worker.now(), most, HUB) if self._mailbox.has_visible(self._worker.now(), HUB) else []
        return [partial(self._handle, message, self._hub_worker) for message in received]

    def _fail(self, error: BaseException) -> None:
        self.failure = error
        self._is_running = False
        self._wake.set()

    def _take(self) -> Received | None:
        received = self._mailbox.receive(self._worker.now(), 1)
        return received[0] if received else None

    # ---- a worker's thread -------------------------------------------------------------------------------------------

    def _handler(self, received: Received) -> Callable[[], None]:
        def work() -> None:
            message: Received | None = received
            while message is not None:
                self._handle(message, self._worker)
                message = self._take() if self._is_running else None

        return work

    def _handle(self, received: Received, worker: Worker) -> None:
        try:
            verdict = deliver(received, worker, worker.now() + self._slice_ms)
        except MessageError as error:
            self._worker.log.exception("a message that nobody can read", message_id=received.id, error=str(error))
            verdict = Later(self._worker.now() + _LAST_RETRY_MS)
        except BaseException as error:
            self._worker.log.exception(
                "a message could not be handled, it comes again", message_id=received.id, error=str(error), **about(received.body)
            )
            verdict = Later(self._worker.now() + min(_FIRST_RETRY_MS * 2 ** (received.deliveries - 1), _LAST_RETRY_MS))
        self._settle(received, verdict)

    def _settle(self, received: Received, verdict: Ack | Later) -> None:
        match verdict:
            case Ack():
                self._mailbox.ack(received.id)
            case Later(at_ms):
                if not self._mailbox.retry(received.id, at_ms):
                    self._worker.log.error(
                        "a message is given up and kept as a dead letter", message_id=received.id, deliveries=received.deliveries
                    )


class Threads:
    """At most so many daemon threads, made when first needed: one that hangs in a step does not keep the process alive.
    ``then`` is called, on it, when one has become free.
    """

    def __init__(self, most: int, then: Callable[[], None]) -> None:
        self._most = most
        self._then = then
        self._work: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._made = 0
        self._busy = 0

    def reserve(self) -> bool:
        """Have a thread for a call of `run`, or for `release`; False when none is free."""
        with self._changed:
            if self._busy == self._most:
                return False
            self._busy += 1
            return True

    def release(self) -> None:
        """Give back what was reserved."""
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def run(self, call: Callable[[], None]) -> None:
        """Run it on the thread that was reserved."""
        with self._changed:
            if self._busy > self._made:
                self._made += 1
                threading.Thread(target=self._live, name=f"milepost worker {self._made}", daemon=True).start()
        self._work.put(call)

    def join(self, within_s: float) -> bool:
        """Wait until all are free; False when some were not by then."""
        with self._changed:
            return self._changed.wait_for(lambda: self._busy == 0, within_s)

    def _live(self) -> None:
        while True:
            call = self._work.get()
            try:
                call()
            finally:
                self.release()
            self._then()
