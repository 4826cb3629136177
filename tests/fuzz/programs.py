"""Random programs: trees of what an async body can do, and the body that does it, telling everything that it sees."""

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import timedelta
from random import Random
from typing import Any

import msgspec

from milepost import AsyncStep, StepError

MARK: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="-")


class Node(msgspec.Struct, frozen=True):
    """One thing that a body does."""

    op: str
    name: str
    amount: int = 0
    children: tuple["Node", ...] = ()


LEAVES = ("run", "run", "run", "run", "fails", "retried", "sleep", "asleep", "wait", "invoke", "map", "callback", "yield")
TREES = (
    "seq",
    "seq",
    "gather",
    "gather",
    "collect",
    "group",
    "first",
    "first",
    "completed",
    "timeout",
    "timeout",
    "wait_for",
    "parallel",
    "race",
    "each",
    "lock",
    "semaphore",
    "queue",
    "event",
    "finally",
    "generator",
    "shield",
    "condition",
)
MS = (0, 1, 400, 1_500, 5_000, 60_000, 3_600_000)


def program(random: Random, operations: int = 24, depth: int = 4) -> Node:
    """A tree of at most so many operations."""
    left = [operations]
    names = iter(f"n{number}" for number in range(10_000))

    def node(level: int) -> Node:
        left[0] -= 1
        amount = random.choice(MS)
        if level == 0 or left[0] <= 0 or random.random() < 0.25:
            return Node(random.choice(LEAVES), next(names), amount)
        children = tuple(node(level - 1) for _ in range(random.randint(1, 4)))
        return Node(random.choice(TREES), next(names), amount, children)

    return Node("seq", "root", 0, tuple(node(depth) for _ in range(random.randint(2, 5))))


Tell = Callable[..., None]


class Teller:
    """What a body saw, in order, with the time of its loop."""

    def __init__(self) -> None:
        self.trace: list[tuple[Any, ...]] = []

    def __call__(self, *what: Any) -> None:
        loop: Any = asyncio.get_running_loop()
        if not loop.is_suspending:  # what `finally` does then is seen at every suspension anew
            self.trace.append((round(loop.time() * 1000), MARK.get(), *what))


class Body:
    """Does what a program says."""

    def __init__(self, step: AsyncStep, tell: Tell, deeds: "Deeds") -> None:
        self.step = step
        self.tell = tell
        self.deeds = deeds

    async def do(self, node: Node) -> Any:
        """One node; what it sees is told."""
        self.tell("begin", node.name)
        try:
            value = await getattr(self, f"_{node.op}")(node)
        except (StepError, TimeoutError, ValueError, ExceptionGroup) as error:
            self.tell("raised", node.name, type(error).__name__, str(error)[:40])
            raise
        self.tell("ended", node.name, value)
        return value

    async def quietly(self, node: Node) -> Any:
        """The same; a failure is a value."""
        try:
            return await self.do(node)
        except (StepError, TimeoutError, ValueError, ExceptionGroup) as error:
            return f"!{type(error).__name__}"

    # ---- leaves ------------------------------------------------------------------------------------------------------

    async def _run(self, node: Node) -> Any:
        return await self.step.run(node.name, self.deeds.work, node.name)

    async def _fails(self, node: Node) -> Any:
        return await self.step.run(node.name, self.deeds.fail, node.name)

    async def _retried(self, node: Node) -> Any:
        return await self.step.run(node.name, self.deeds.fail_first, node.name)

    async def _sleep(self, node: Node) -> Any:
        await self.step.sleep(node.name, timedelta(milliseconds=node.amount))

    async def _asleep(self, node: Node) -> Any:
        await asyncio.sleep(node.amount / 1000)

    async def _yield(self, node: Node) -> Any:
        await asyncio.sleep(0)

    async def _wait(self, node: Node) -> Any:
        return await self.deeds.wait(self.step, node)

    async def _invoke(self, node: Node) -> Any:
        return await self.deeds.invoke(self.step, node)

    async def _callback(self, node: Node) -> Any:
        return await self.deeds.callback(self.step, node)

    async def _map(self, node: Node) -> Any:
        return await self.step.map(node.name, self.deeds.work, [f"{node.name}.{index}" for index in range(3)], concurrency=2)

    # ---- trees -------------------------------------------------------------------------------------------------------

    async def _seq(self, node: Node) -> Any:
        return [await self.quietly(child) for child in node.children]

    async def _gather(self, node: Node) -> Any:
        return await asyncio.gather(*(self.do(child) for child in node.children))

    async def _collect(self, node: Node) -> Any:
        found = await asyncio.gather(*(self.do(child) for child in node.children), return_exceptions=True)
        return [type(one).__name__ if isinstance(one, BaseException) else one for one in found]

    async def _group(self, node: Node) -> Any:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.do(child), name=child.name) for child in node.children]
        return [task.result() for task in tasks]

    async def _first(self, node: Node) -> Any:
        tasks = [asyncio.create_task(self.quietly(child), name=child.name) for child in node.children]
        done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self.tell("first", node.name, [task.get_name() for task in done], [task.get_name() for task in pending])
        for task in pending:
            if node.amount % 2 == 0:
                task.cancel()
        return [repr(one) for one in await asyncio.gather(*pending, return_exceptions=True)]

    async def _completed(self, node: Node) -> Any:
        found: list[Any] = []
        for one in asyncio.as_completed([asyncio.create_task(self.quietly(child)) for child in node.children]):
            value = await one
            self.tell("completed", node.name, value)
            found.append(value)
        return found

    async def _timeout(self, node: Node) -> Any:
        async with asyncio.timeout(node.amount / 1000 + 0.01):
            return [await self.do(child) for child in node.children]

    async def _wait_for(self, node: Node) -> Any:
        return await asyncio.wait_for(self.do(node.children[0]), node.amount / 1000 + 0.01)

    async def _shield(self, node: Node) -> Any:
        inner = asyncio.create_task(self.quietly(node.children[0]), name=node.children[0].name)
        try:
            return await asyncio.wait_for(asyncio.shield(inner), node.amount / 1000 + 0.01)
        except TimeoutError:
            self.tell("shielded", node.name)
            return await inner

    async def _parallel(self, node: Node) -> Any:
        return list(await self.step.parallel(node.name, *(self._branch(child) for child in node.children)))

    async def _race(self, node: Node) -> Any:
        won = await self.step.race(node.name, *(self._branch(child) for child in node.children))
        return [won.index, won.value]

    def _branch(self, node: Node) -> Callable[[AsyncStep], Coroutine[Any, Any, Any]]:
        return lambda _step: self.quietly(node)

    async def _each(self, node: Node) -> Any:
        async def one(_step: AsyncStep, child: Node) -> Any:
            return await self.quietly(child)

        return await self.step.each(node.name, one, node.children, concurrency=2)

    async def _lock(self, node: Node) -> Any:
        lock = asyncio.Lock()

        async def locked(child: Node) -> Any:
            async with lock:
                self.tell("locked", child.name)
                return await self.quietly(child)

        return await asyncio.gather(*(locked(child) for child in node.children))

    async def _semaphore(self, node: Node) -> Any:
        semaphore = asyncio.Semaphore(2)

        async def limited(child: Node) -> Any:
            async with semaphore:
                return await self.quietly(child)

        return await asyncio.gather(*(limited(child) for child in node.children))

    async def _condition(self, node: Node) -> Any:
        condition = asyncio.Condition()
        done: list[str] = []

        async def one(child: Node) -> Any:
            value = await self.quietly(child)
            async with condition:
                done.append(child.name)
                condition.notify_all()
            return value

        async def watch() -> list[str]:
            async with condition:
                await condition.wait_for(lambda: len(done) == len(node.children))
            return done

        found = await asyncio.gather(watch(), *(one(child) for child in node.children))
        return list(found)

    async def _queue(self, node: Node) -> Any:
        queue: asyncio.Queue[Any] = asyncio.Queue(maxsize=1)

        async def produce(child: Node) -> None:
            await queue.put((child.name, await self.quietly(child)))

        found: list[Any] = []
        async with asyncio.TaskGroup() as group:
            for child in node.children:
                group.create_task(produce(child), name=child.name)
            for _ in node.children:
                found.append(await queue.get())
                self.tell("queued", node.name, found[-1])
        return found

    async def _event(self, node: Node) -> Any:
        event = asyncio.Event()

        async def waiter() -> str:
            await event.wait()
            self.tell("set", node.name)
            return "set"

        async def setter() -> Any:
            value = await self.quietly(node.children[0])
            event.set()
            return value

        return list(await asyncio.gather(waiter(), setter(), *(self.quietly(child) for child in node.children[1:])))

    async def _finally(self, node: Node) -> Any:
        token = MARK.set(node.name)
        try:
            return await self.do(node.children[0])
        finally:
            MARK.reset(token)
            for child in node.children[1:]:
                await self.quietly(child)
            self.tell("finally", node.name)

    async def _generator(self, node: Node) -> Any:
        async def values() -> AsyncGenerator[Any, None]:
            try:
                for child in node.children:
                    yield await self.quietly(child)
            finally:
                self.tell("closed", node.name)

        found: list[Any] = []
        async for value in values():
            found.append(value)
            if node.amount % 3 == 0:
                break
        return found


class Deeds:
    """What a body does to the world: the steps' functions."""

    async def work(self, name: str) -> str:
        raise NotImplementedError

    async def fail(self, name: str) -> str:
        raise NotImplementedError

    async def fail_first(self, name: str) -> str:
        raise NotImplementedError

    async def wait(self, step: AsyncStep, node: Node) -> Any:
        raise NotImplementedError

    async def invoke(self, step: AsyncStep, node: Node) -> Any:
        raise NotImplementedError

    async def callback(self, step: AsyncStep, node: Node) -> Any:
        raise NotImplementedError
