"""A service beneath the local cloud fails: the message comes again, the log says of which run, and nobody else is held up."""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from milepost import App, AsyncStep, Step
from milepost.engine.ports import Clock, Outgoing, PortError, Ports
from milepost.engine.worker import Settings
from milepost.functions import Definitions
from milepost.local import LocalCloud
from milepost.local.assembly import ports_on
from milepost.local.store import Store
from tests.engine.failing import LARGE, Failure, large, writes_step

PATIENCE = timedelta(seconds=30)
BRIEF = Settings(skew_ms=0, margin_ms=100, lease_grace_ms=100)
"""A lease is over by the time that a message which failed comes again."""

app = App("beneath")


@app.function(retries=0)
def plain(name: str, step: Step) -> str:
    try:
        return step.run(name, str, name) + step.run("more", str, "!")
    except Exception:  # noqa: BLE001
        return "seen"


@app.function(retries=0)
async def modern(name: str, step: AsyncStep) -> str:
    try:
        return await step.run(name, str, name) + await step.run("more", str, "!")
    except Exception:  # noqa: BLE001
        return "seen"


class Lines:
    """A log that is kept."""

    def __init__(self, then: Callable[[], object] = lambda: None) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []
        self._then = then

    def __getattr__(self, level: str) -> Any:
        def write(text: str, **fields: Any) -> None:
            self.lines.append((level, text, fields))
            self._then()

        return write


@contextmanager
def cloud_above(monkeypatch: pytest.MonkeyPatch, failure: Failure, path: Path, log: Any) -> Generator[LocalCloud]:
    def failing(store: Store, clock: Clock, definitions: Definitions) -> Ports:
        return failure.of(ports_on(store, clock, definitions))

    monkeypatch.setattr("milepost.local.cloud.ports_on", failing)
    with LocalCloud(app, path, settings=BRIEF, slice_time=timedelta(milliseconds=600), log=log) as cloud:
        yield cloud


@pytest.mark.parametrize("function", [plain, modern], ids=["def", "async"])
@pytest.mark.parametrize(
    "error", [PortError("throttled"), sqlite3.OperationalError("disk I/O error")], ids=lambda error: type(error).__name__
)
def test_one_bad_slice_holds_nobody_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, function: Any, error: Exception) -> None:
    log: Any = Lines()
    failure = Failure(writes_step("bad"), error)
    with cloud_above(monkeypatch, failure, tmp_path / "state.db", log) as cloud:
        client = cloud._client  # pyright: ignore[reportPrivateUsage]
        names = ["bad", *(f"good{number}" for number in range(20))]
        runs = [client.invoke(function, name) for name in names]
        cloud.wait(*runs[1:], timeout=PATIENCE)
        cloud.wait(*runs, timeout=PATIENCE)
        assert [run.result for run in runs] == [f"{name}!" for name in names]
    [(level, text, fields)] = [line for line in log.lines if line[0] in ("error", "exception")]
    assert (level, fields["run_id"], fields["function"]) == ("exception", runs[0].id, function.name)
    assert "comes again" in text
    assert str(error) in fields["error"]


@pytest.mark.parametrize("is_async", [False, True], ids=["def", "async"])
def test_a_disk_that_is_full_for_a_while_fails_no_run(tmp_path: Path, *, is_async: bool) -> None:
    full = App("full")

    def limit(pages: int) -> None:
        cloud._store.commit(lambda conn: conn.execute(f"PRAGMA max_page_count = {pages}"))  # pyright: ignore[reportPrivateUsage]

    def fill() -> str:
        if not log.lines:
            limit(1)  # SQLite takes the pages that there are
        return large()

    @full.function(name="def", retries=0)
    def plain(event: None, step: Step) -> int:
        return len(step.run("fill", fill))

    @full.function(name="async", retries=0)
    async def modern(event: None, step: AsyncStep) -> int:
        return len(await step.run("fill", fill))

    log: Any = Lines(then=lambda: limit(1_000_000))
    with LocalCloud(full, tmp_path / "state.db", settings=BRIEF, slice_time=timedelta(milliseconds=600), log=log) as cloud:
        client = cloud._client  # pyright: ignore[reportPrivateUsage]
        run = client.invoke(modern, None) if is_async else client.invoke(plain, None)
        cloud.wait(run, timeout=PATIENCE)
        assert run.result == LARGE
    assert [fields["error"] for level, _, fields in log.lines if level == "exception"] == ["database or disk is full"]


def test_messages_that_nobody_can_read_hold_nobody_up(tmp_path: Path) -> None:
    log: Any = Lines()
    with LocalCloud(app, tmp_path / "state.db", threads=1, log=log) as cloud:
        bodies = ("no JSON", '{"kind":"unheard of"}', '{"kind":"poke","run":"x","v":99}')
        queue = cloud._worker.ports.queue  # pyright: ignore[reportPrivateUsage]
        client = cloud._client  # pyright: ignore[reportPrivateUsage]
        queue.send([Outgoing(group="default", body=body) for body in bodies])
        runs = [client.invoke(plain, "one"), client.invoke(modern, "two")]
        cloud.wait(*runs, timeout=PATIENCE)
        assert [run.result for run in runs] == ["one!", "two!"]
    assert [text for level, text, _ in log.lines if level == "exception"] == ["a message that nobody can read"] * 3


def test_a_sweep_that_fails_is_made_again_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log: Any = Lines()
    failure = Failure(lambda call: call.method == "query_index", times=1)
    with cloud_above(monkeypatch, failure, tmp_path / "state.db", log) as cloud:
        client = cloud._client  # pyright: ignore[reportPrivateUsage]
        run = client.invoke(plain, "one")
        cloud.wait(run, timeout=PATIENCE)
        assert run.result == "one!"
    assert [fields["error"] for level, _, fields in log.lines if level == "exception"] == ["throttled"]
