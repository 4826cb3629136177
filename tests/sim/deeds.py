"""What the steps of a program do, the events that its runs wait for, and the world outside that is told of it all."""

from typing import Protocol

from milepost import Event, NonRetriableError


class Outside(Protocol):
    """The world outside of a body, as a body and its steps tell it what they do."""

    def opens(self, run: str, index: int, key: str) -> None:
        """The body of a run of program ``index`` begins, for the first time or again."""
        ...

    def begin(self, run: str, path: str) -> int:
        """A step's function begins; returns the how-manieth execution of this (run, path) it is, from 1."""
        ...

    def end(self, run: str, path: str) -> None:
        """It ends: it is about to return, or to raise."""
        ...

    def saw(self, run: str, path: str, outcome: str) -> None:
        """The body was given this at this place, as JSON, or ``["!", *error]``: what `model.differs_at` judges. Told again by every
        replay, and the same, but for what `model.unsettled` names; not by the replays of a run that has ended.
        """
        ...

    def token(self, run: str, path: str, token: str) -> None:
        """The token of a callback, for whoever answers it."""
        ...


class Asked(Event):
    """Starts a program, or is what a child is invoked with."""

    program: int
    key: str


class Told(Event):
    """What runs wait for."""

    key: str
    mark: str
    """Which one this is: no two events have the same, but repetitions of one."""
    good: bool = True
    """What the predicates ask for."""


class Shown(Told):
    """Another that runs wait for."""


class Stop(Event):
    """Cancels the run of this key, if its program has ``cancel_on``."""

    key: str


class Stumbled(Exception):
    """What the body raises itself."""


class Deeds:
    """The functions of a run's steps."""

    def __init__(self, run: str, outside: Outside) -> None:
        self._run = run
        self._outside = outside

    def work(self, path: str, size: int) -> str:
        self._outside.begin(self._run, path)
        self._outside.end(self._run, path)
        return path + "=" * size

    def fail(self, path: str) -> str:
        self._outside.begin(self._run, path)
        self._outside.end(self._run, path)
        raise NonRetriableError(f"{path} fails")

    def exhaust(self, path: str) -> str:
        self._outside.begin(self._run, path)
        self._outside.end(self._run, path)
        raise ValueError(f"{path} fails")

    def fail_first(self, path: str, failures: int) -> str:
        number = self._outside.begin(self._run, path)
        self._outside.end(self._run, path)
        if number <= failures:
            raise ValueError(f"{path} fails")
        return path

    def item(self, path: str) -> str:
        """Of a map: one whose path ends in "!" fails."""
        return self.fail(path.removesuffix("!")) if path.endswith("!") else self.work(path, 0)

    def check(self, path: str, enough: int) -> str | None:
        number = self._outside.begin(self._run, path)
        self._outside.end(self._run, path)
        return path if 0 < enough <= number else None

    def submit(self, path: str, token: str) -> None:
        self._outside.begin(self._run, path)
        self._outside.token(self._run, path, token)
        self._outside.end(self._run, path)

    def undo(self, path: str, value: str) -> None:
        self.work(f"undo:{path}", 0)
        if value != path:
            raise NonRetriableError(f"{path} is undone with {value!r}")


class AsyncDeeds:
    """The same as coroutine functions. They never really wait."""

    def __init__(self, run: str, outside: Outside) -> None:
        self._deeds = Deeds(run, outside)

    async def work(self, path: str, size: int) -> str:
        return self._deeds.work(path, size)

    async def fail(self, path: str) -> str:
        return self._deeds.fail(path)

    async def exhaust(self, path: str) -> str:
        return self._deeds.exhaust(path)

    async def fail_first(self, path: str, failures: int) -> str:
        return self._deeds.fail_first(path, failures)

    async def item(self, path: str) -> str:
        return self._deeds.item(path)

    async def check(self, path: str, enough: int) -> str | None:
        return self._deeds.check(path, enough)

    async def submit(self, path: str, token: str) -> None:
        self._deeds.submit(path, token)

    async def undo(self, path: str, value: str) -> None:
        self._deeds.undo(path, value)
