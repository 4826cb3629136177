"""Async functions on a LocalCloud: their slices run on the hub, beside those of def functions, and survive what those survive."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

from milepost import App, AsyncStep, Event, Step
from milepost.local import LocalCloud
from tests.local.processes import SDK, next_line

PATIENCE = timedelta(seconds=60)

app = App("modern")
gate = threading.Event()
threads: set[str] = set()


@app.event("modern/asked", keys=("number",))
class Asked(Event):
    number: int


def block() -> str:
    assert gate.wait(30)
    return "done"


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return number * 2


@app.function(name="blocking")
def blocking(event: Asked, step: Step) -> str:
    return step.run("block", block)


@app.function(name="modern")
async def modern(event: Asked, step: AsyncStep) -> int:
    threads.add(threading.current_thread().name)
    doubled = await step.run("double", double, event.number)
    await step.sleep("nap", timedelta(milliseconds=30))
    one, two = await asyncio.gather(step.run("one", double, doubled), step.run("two", double, doubled))
    return one + two


@app.function(name="nested")
async def nested(event: Asked, step: AsyncStep) -> int:
    return await step.invoke("child", modern, Asked(number=event.number))


def test_async_runs_go_on_while_all_threads_are_blocked(tmp_path: Path) -> None:
    gate.clear()
    with LocalCloud(app, tmp_path / "state.db", threads=2) as cloud:
        client = cloud._client  # pyright: ignore[reportPrivateUsage]
        blocked = [client.invoke(blocking, Asked(number=number)) for number in range(5)]
        runs = [client.invoke(nested, Asked(number=number)) for number in range(40)]
        cloud.wait(*runs, timeout=PATIENCE)
        assert [run.result for run in runs] == [number * 8 for number in range(40)]
        assert threads == {"milepost hub"}
        gate.set()
        cloud.wait(*blocked, timeout=PATIENCE)


def test_more_runs_than_slices_all_end(tmp_path: Path) -> None:
    with LocalCloud(app, tmp_path / "state.db", slices=3) as cloud:
        client = cloud._client  # pyright: ignore[reportPrivateUsage]
        runs = [client.invoke(modern, Asked(number=number)) for number in range(20)]
        cloud.wait(*runs, timeout=PATIENCE)
        assert [run.result for run in runs] == [number * 8 for number in range(20)]


def test_a_cloud_that_stops_lets_async_slices_end(tmp_path: Path) -> None:
    with LocalCloud(app, tmp_path / "state.db") as cloud:
        runs = [cloud.invoke(modern, Asked(number=number)) for number in range(5)]
    with LocalCloud(app, tmp_path / "state.db") as cloud:
        again = [cloud.invoke(modern, Asked(number=100 + number)) for number in range(2)]
        known = {run.id: run for run in cloud.runs()}
        cloud.wait(*(known[run.id] for run in runs), *again, timeout=PATIENCE)
        assert sorted(known[run.id].result for run in runs) == [number * 8 for number in range(5)]


WORKER = """
import asyncio, os, sys
from datetime import timedelta
from pathlib import Path
from milepost import App, AsyncStep, Event
from milepost.local import LocalCloud

app = App("killed")
ledger = os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY | os.O_APPEND)

@app.event("killed/asked")
class Asked(Event):
    number: int

async def note(number: int, step: int) -> int:
    os.write(ledger, f"{number}/{step}\\n".encode())
    await asyncio.sleep(0.002)
    return step

@app.function(on=Asked)
async def count(event: Asked, step: AsyncStep) -> int:
    total = 0
    for number in range(20):
        total += await step.run(f"step {number}", note, event.number, number)
    return total

with LocalCloud(app, Path(sys.argv[1])) as cloud:
    if sys.argv[3] == "begin":
        cloud.send(*(Asked(number=number) for number in range(30)))
        print("begun", flush=True)
        sys.stdin.read()
    else:
        cloud.wait(*cloud.runs(), timeout=timedelta(seconds=60))
        print(sorted((run.status.value, run.result, len(run.steps)) for run in cloud.runs()), flush=True)
"""


def worker(path: Path, what: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(path), str(path.with_name("ledger")), what],
        env={**os.environ, "PYTHONPATH": str(SDK), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_async_runs_survive_a_kill_minus_9(tmp_path: Path) -> None:
    path, ledger = tmp_path / "state.db", tmp_path / "ledger"
    with worker(path, "begin") as first:
        assert next_line(first) == "begun"
        while ledger.stat().st_size < 1_000:  # amid the work
            assert first.poll() is None
        first.send_signal(signal.SIGKILL)
    with worker(path, "end") as second:
        assert next_line(second) == str([("completed", 190, 20)] * 30)
        second.kill()
    calls = ledger.read_text().split()
    assert len(set(calls)) == 600
    assert len(calls) <= 600 + 30, "only the step that was under way in each run may have been called again"
