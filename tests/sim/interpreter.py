"""What a program's body does: one interpreter for `def` and `async def`.

What a node does is a generator that yields calls: a def body makes them, an async one awaits them. What a body sees depends
on its records and nothing else: no time, no chance, no number of an execution is in a value.
"""

import asyncio
from collections.abc import Callable, Generator
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeAlias

import msgspec

from milepost import (
    Backoff,
    Completion,
    Function,
    InvokeError,
    RaceError,
    Retry,
    StepError,
    WaitFor,
    WaitTimeout,
)
from tests.sim.deeds import Asked, AsyncDeeds, Deeds, Outside, Shown, Stumbled, Told
from tests.sim.outcomes import brief, described
from tests.sim.programs import Node, child_keys

CAUGHT: Final = (StepError, InvokeError, RaceError, WaitTimeout)
"""What a `try` of a program makes a value of, and what its nodes are seen to raise."""

_DELAYS: Final = {
    "near": (timedelta(seconds=1),),
    "far": (timedelta(seconds=30), timedelta(hours=1)),
    "mixed": (timedelta(seconds=1), timedelta(minutes=1)),
}
_RETRIES: Final = {(mode, n): Retry(retries=n, delays=delays, jitter=0) for mode, delays in _DELAYS.items() for n in range(4)}
_POLLS: Final = {mode: Backoff(delays[-1], factor=1) for mode, delays in _DELAYS.items()}
_POLICIES: Final = {"": None, "any": Completion(), "one": Completion(max_failures=1), "least": Completion(min_success=1)}
_POLL_TIMEOUT: Final = timedelta(days=30)
_HEARTBEAT: Final = timedelta(minutes=1)


_text = msgspec.json.Encoder().encode


# ---- bodies ----------------------------------------------------------------------------------------------------------

Call: TypeAlias = Callable[[], Any]
Doing: TypeAlias = Generator[Call, Any, Any]


def drive(doing: Doing) -> Any:
    """Make the calls that a node asks for."""
    try:
        call = doing.send(None)
        while True:
            try:
                value = call()
            except Exception as error:  # noqa: BLE001 - the node's to judge
                call = doing.throw(error)
            else:
                call = doing.send(value)
    except StopIteration as end:
        return end.value


async def drive_async(doing: Doing) -> Any:
    """Await what a node asks for."""
    try:
        call = doing.send(None)
        while True:
            try:
                value = await call()
            except Exception as error:  # noqa: BLE001 - the node's to judge
                call = doing.throw(error)
            else:
                call = doing.send(value)
    except StopIteration as end:
        return end.value


class Interpreter:
    """Does what a program says, in one run. The steps it is given are a Step's, or an AsyncStep's: typed as Any, for both."""

    def __init__(
        self,
        index: int,
        key: str,
        run: str,
        outside: Outside,
        functions: list[Function[Any, Any]],
        deeds: Deeds | AsyncDeeds,
        *,
        is_frozen: bool = False,
        new: frozenset[str] = frozenset(),
    ) -> None:
        self._index = index
        self._key = key
        self._run_id = run
        self._outside = outside
        self._functions = functions
        self._deeds: Any = deeds
        self._tells = not is_frozen
        self._new = new
        self._driver: Callable[[Doing], Any] = drive_async if isinstance(deeds, AsyncDeeds) else drive

    def go(self, step: Any, node: Node, at: str) -> Any:
        """Do a node, in a scope whose places begin with ``at``: its outcome, or in an async program a coroutine of it."""
        return self._driver(self._do(step, node, at))

    def _do(self, step: Any, node: Node, at: str) -> Doing:
        """A node as the calls that it asks for; what comes of it is told."""
        path = at + node.name
        try:
            if node.name in self._new:  # what a deploy has brought
                yield lambda: step.run(f"new {node.name}", self._deeds.work, f"new:{path}", 0)
            doing: Doing = getattr(self, f"op_{node.op}")(step, node, path, at)
            value = yield from doing
        except CAUGHT as error:
            self._tell(path, ["!", *described(error)])
            raise
        self._tell(path, value)
        return value

    def _tell(self, path: str, outcome: Any) -> None:
        if self._tells:
            self._outside.saw(self._run_id, path, _text(outcome).decode())

    # ---- one step each -----------------------------------------------------------------------------------------------

    def op_run(self, step: Any, node: Node, path: str, at: str) -> Doing:
        return brief((yield lambda: step.run(node.name, self._deeds.work, path, node.amount)))

    def op_fails(self, step: Any, node: Node, path: str, at: str) -> Doing:
        return (yield lambda: step.run(node.name, self._deeds.fail, path))

    def op_flaky(self, step: Any, node: Node, path: str, at: str) -> Doing:
        options = step.options(retry=_RETRIES[node.mode, node.amount])
        return (yield lambda: options.run(node.name, self._deeds.fail_first, path, node.amount))

    def op_exhausted(self, step: Any, node: Node, path: str, at: str) -> Doing:
        options = step.options(retry=_RETRIES[node.mode, node.amount])
        return (yield lambda: options.run(node.name, self._deeds.exhaust, path))

    def op_once(self, step: Any, node: Node, path: str, at: str) -> Doing:
        return (yield lambda: step.options(once=True).run(node.name, self._deeds.work, path, 0))

    def op_compensate(self, step: Any, node: Node, path: str, at: str) -> Doing:
        options = step.options(compensate=partial(self._deeds.undo, path))
        return (yield lambda: options.run(node.name, self._deeds.work, path, 0))

    def op_stumble(self, step: Any, node: Node, path: str, at: str) -> Doing:
        """The body itself fails, and is tried again."""
        yield from ()
        if step.attempt <= node.amount:
            raise Stumbled(path)
        return path

    def op_patched(self, step: Any, node: Node, path: str, at: str) -> Doing:
        return (yield lambda: step.patched(path))

    def op_sleep(self, step: Any, node: Node, path: str, at: str) -> Doing:
        if node.mode == "asyncio":
            yield lambda: asyncio.sleep(node.amount / 1000)
        else:
            yield lambda: step.sleep(node.name, _ms(node.amount))
        return f"{path} slept"

    def op_until(self, step: Any, node: Node, path: str, at: str) -> Doing:
        yield lambda: step.sleep_until(node.name, step.event.at + _ms(node.amount))
        return f"{path} slept"

    def op_poll(self, step: Any, node: Node, path: str, at: str) -> Doing:
        check = partial(self._deeds.check, path, node.amount)
        return (yield lambda: step.wait_until(node.name, check, every=_POLLS[node.mode], timeout=_POLL_TIMEOUT))

    def op_polled_out(self, step: Any, node: Node, path: str, at: str) -> Doing:
        check = partial(self._deeds.check, path, 0)
        return (yield lambda: step.wait_until(node.name, check, every=_POLLS["mixed"], timeout=_ms(node.amount)))

    def op_callback(self, step: Any, node: Node, path: str, at: str) -> Doing:
        submit = partial(self._deeds.submit, path)
        beat = _HEARTBEAT if node.mode == "heartbeat" else None
        return (yield lambda: step.wait_for_callback(node.name, submit, returns=str, timeout=_ms(node.amount), heartbeat=beat))

    # ---- events ------------------------------------------------------------------------------------------------------

    def op_wait(self, step: Any, node: Node, path: str, at: str) -> Doing:
        where = _is_good if node.mode == "where" else None
        found = yield lambda: step.wait_for_event(node.name, Told, timeout=_ms(node.amount), where=where, key=f"{self._key}:{path}")
        return _mark(found)

    def op_waits(self, step: Any, node: Node, path: str, at: str) -> Doing:
        """Two in a row, which never get the same."""
        marks: list[str | None] = []
        for name in (node.name, f"{node.name} again"):
            found = yield partial(step.wait_for_event, name, Told, timeout=_ms(node.amount), key=f"{self._key}:{path}")
            marks.append(_mark(found))
        return marks

    def op_any(self, step: Any, node: Node, path: str, at: str) -> Doing:
        waits = [WaitFor(event, key=f"{self._key}:{path}") for event in (Told, Shown)]
        found = yield lambda: step.wait_for_any(node.name, *waits, timeout=_ms(node.amount))
        return None if found is None else [found.index, found.event.mark]

    def op_send(self, step: Any, node: Node, path: str, at: str) -> Doing:
        events = [Told(key=f"{self._key}:{node.to}", mark=sent_mark(self._key, path, number)) for number in range(node.amount)]
        return len((yield lambda: step.send_event(node.name, *events)))

    # ---- children ----------------------------------------------------------------------------------------------------

    def op_invoke(self, step: Any, node: Node, path: str, at: str) -> Doing:
        [key] = child_keys(self._index, self._key, path, node)
        data = Asked(program=node.target, key=key)
        timeout = _ms(node.amount) if node.amount else None
        on_cancel = node.mode or "cancel"
        function = self._functions[node.target]
        return (yield lambda: step.invoke(node.name, function, data, timeout=timeout, on_cancel=on_cancel))

    def op_invoke_many(self, step: Any, node: Node, path: str, at: str) -> Doing:
        items = [Asked(program=node.target, key=key) for key in child_keys(self._index, self._key, path, node)]
        function = self._functions[node.target]
        found = yield lambda: step.invoke_many(node.name, function, items, policy=_POLICIES[node.mode])
        return _entries(found, node.mode)

    # ---- many --------------------------------------------------------------------------------------------------------

    def op_map(self, step: Any, node: Node, path: str, at: str) -> Doing:
        items = [f"{path}.{item}" + ("!" if node.failing >> item & 1 else "") for item in range(node.amount)]
        found = yield lambda: step.map(node.name, self._deeds.item, items, concurrency=2, policy=_POLICIES[node.mode])
        return _entries(found, node.mode)

    def op_each(self, step: Any, node: Node, path: str, at: str) -> Doing:
        [child] = node.children

        def one(own: Any, item: int) -> Any:
            return self.go(own, child, f"{path}.{item}/")

        found = yield lambda: step.each(node.name, one, range(node.amount), concurrency=2, policy=_POLICIES[node.mode])
        return _entries(found, node.mode)

    def op_parallel(self, step: Any, node: Node, path: str, at: str) -> Doing:
        match node.mode:
            case "gather":
                return list((yield lambda: asyncio.gather(*(self.go(step, child, at) for child in node.children))))
            case "group":
                return (yield lambda: self._grouped(step, node, at))
            case _:
                return list((yield lambda: step.parallel(node.name, *(self._branch(child, at) for child in node.children))))

    def op_race(self, step: Any, node: Node, path: str, at: str) -> Doing:
        won = yield lambda: step.race(node.name, *(self._branch(child, at) for child in node.children))
        return [won.index, won.value]

    def _branch(self, node: Node, at: str) -> Callable[[Any], Any]:
        return lambda own: self.go(own, node, at)

    async def _grouped(self, step: Any, node: Node, at: str) -> list[Any]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.go(step, child, at), name=child.name) for child in node.children]
        except ExceptionGroup as failed:
            errors = failed.exceptions  # as one error: a stumble of the body first, which no try may catch
            raise next((error for error in errors if not isinstance(error, CAUGHT)), errors[0]) from None
        return [task.result() for task in tasks]

    def op_within(self, step: Any, node: Node, path: str, at: str) -> Doing:
        return (yield lambda: self._in_time(step, node, at))

    async def _in_time(self, step: Any, node: Node, at: str) -> list[Any]:
        try:
            async with asyncio.timeout(node.amount / 1000):
                return ["ok", await self.go(step, node.children[0], at)]
        except TimeoutError:
            return ["late"]

    # ---- one after the other -----------------------------------------------------------------------------------------

    def op_seq(self, step: Any, node: Node, path: str, at: str) -> Doing:
        outcomes: list[Any] = []
        for child in node.children:
            outcome = yield from self._do(step, child, at)
            outcomes.append(outcome)
        return outcomes

    def op_try(self, step: Any, node: Node, path: str, at: str) -> Doing:
        try:
            return ["ok", (yield from self._do(step, node.children[0], at))]
        except CAUGHT as error:
            return ["!", *described(error)]


def sent_mark(key: str, path: str, number: int) -> str:
    """Which event a send's is."""
    return f"{key}/{path}/{number}"


def _ms(amount: int) -> timedelta:
    return timedelta(milliseconds=amount)


def _is_good(event: Told) -> bool:
    return event.good


def _mark(found: Told | None) -> str | None:
    return None if found is None else found.mark


def _entries(found: list[Any], mode: str) -> list[Any]:
    """Of a join with a policy: what came of each item."""
    if not mode:
        return found
    return [["!", *described(one)] if isinstance(one, Exception) else ["ok", one] for one in found]
