"""`milepost dev` as a process: what it says, reloading, broken modules, a second worker, signals."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from milepost.local.worker_lock import worker_of
from tests.cli.conftest import SHOP, STATE, eventually

SDK = Path(__file__).parents[2] / "sdk"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(SDK), "PYTHONUNBUFFERED": "1", "COLUMNS": "160"}


class Dev:
    """A running `milepost dev`, and what it has said so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.said = ""

    def until(self, words: str) -> str:
        """Read until it says this; returns the line. Fails when it ends first."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            self.said += line
            if words in line:
                return line
        raise AssertionError(f"it ended without saying {words!r}:\n{self.said}")

    def press_ctrl_c(self) -> None:
        """What a terminal does: it interrupts the runner and its worker."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Signal it; returns its exit code, having read all it said."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        return self.process.wait(10)


@contextmanager
def dev(directory: Path, *arguments: str) -> Generator[Dev]:
    command = [sys.executable, "-W", "error", "-m", "milepost", "dev", *arguments]
    with subprocess.Popen(
        command, cwd=directory, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            yield Dev(process)
        finally:
            process.kill()


def milepost(directory: Path, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", "-m", "milepost", *arguments]
    done = subprocess.run(command, cwd=directory, env=ENVIRONMENT, text=True, capture_output=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def shop_directory(tmp_path: Path) -> Path:
    shutil.copy(SHOP, tmp_path / "shop.py")
    return tmp_path


def test_it_says_what_it_found_runs_it_and_reloads_on_change(shop_directory: Path) -> None:
    code = shop_directory / "shop.py"
    with dev(shop_directory, "shop:app") as running:
        running.until("Ctrl-C stops")
        for words in (
            "milepost dev  shop:app  state .milepost/state.db",
            "fulfil_order  on shop/order.placed  0 retries, waits for shop/order.approved, on_failure",
            "cron 0 9 1 1 * UTC, next ",
            "make_receipt  invoked",
            "shop/order.placed    by order_id",
        ):
            assert words in running.said
        assert (shop_directory / ".milepost" / ".gitignore").read_text(encoding="utf-8") == "*\n"
        sent = milepost(shop_directory, "send", "shop/order.placed", '{"order_id": "o-1", "total": 5}')
        run = re.findall(r"^  (\w{8})  \w+ +fulfil_order", sent, flags=re.MULTILINE)[0]
        assert "waits for shop/order.approved (order_id=o-1) until" in running.until("waiting")
        # It goes on under the new code, from where it was.
        code.write_text(code.read_text(encoding="utf-8").replace('return "nobody"', 'return "no"'), encoding="utf-8")
        running.until("shop.py changed: starting anew")
        running.until("1 run goes on from before")
        running.until("Ctrl-C stops")
        milepost(shop_directory, "send", "shop/order.approved", '{"order_id": "o-1"}')
        assert run in running.until("fulfil_order") + running.until("completed  in") + running.said
        # A broken module: the user's own traceback, and nothing of ours.
        text = code.read_text(encoding="utf-8")
        code.write_text(text + "\nnonsense()\n", encoding="utf-8")
        running.until("changed: starting anew")
        before = len(running.said)
        running.until("waiting for a change")
        trace = running.said[before:]
        assert "NameError: name 'nonsense' is not defined" in trace
        assert 'shop.py", line' in trace
        assert "importlib" not in trace
        assert str(SDK) not in trace
        code.write_text(text, encoding="utf-8")
        running.until("Ctrl-C stops")
        assert running.end() == 0
        assert "Traceback" not in running.said[before + len(trace) :]
    assert worker_of(shop_directory / STATE) is None


def test_a_second_worker_is_refused_by_the_first_one_s_pid(shop_directory: Path) -> None:
    with dev(shop_directory, "shop:app", "--no-reload") as first:
        first.until("Ctrl-C stops")
        with dev(shop_directory, "shop:app") as second:
            line = second.until("already has a worker")
            assert f"process {first.process.pid}" in line
            assert second.process.wait(10) == 4
        assert first.end(signal.SIGTERM) == 0


def test_a_killed_worker_is_started_again_and_one_whose_watcher_is_killed_ends(shop_directory: Path) -> None:
    state = shop_directory / STATE
    with dev(shop_directory, "shop:app") as running:
        running.until("Ctrl-C stops")
        worker = worker_of(state)
        assert worker is not None
        assert worker != running.process.pid
        os.kill(worker, signal.SIGKILL)
        running.until("the worker was killed by SIGKILL")
        running.until("Ctrl-C stops")
        assert worker_of(state) not in (None, worker)
        running.process.kill()
        eventually(lambda: worker_of(state) is None)


SLOW = """
import time
from pathlib import Path
from milepost import App, Event, Step
app = App("slow")
@app.event("slow/go")
class Go(Event): ...
def wait() -> None:
    while not Path("go").exists():
        time.sleep(0.01)
@app.function(on=Go)
def work(event: Go, step: Step) -> None:
    step.run("wait", wait)
"""


@pytest.mark.parametrize("is_patient", [True, False])
def test_ctrl_c_lets_a_step_end_and_a_second_one_does_not(tmp_path: Path, is_patient: bool) -> None:
    (tmp_path / "slow.py").write_text(SLOW, encoding="utf-8")
    with dev(tmp_path, "slow:app") as running:
        running.until("Ctrl-C stops")
        milepost(tmp_path, "send", "slow/go")
        running.until("running")
        running.press_ctrl_c()
        running.until("letting steps in flight end")
        if is_patient:
            (tmp_path / "go").touch()
            running.until("completed")
        else:
            running.press_ctrl_c()
        assert running.process.wait(10) == 0
    eventually(lambda: worker_of(tmp_path / STATE) is None)


def test_json_lines_are_all_that_stands_on_stdout(shop_directory: Path) -> None:
    code = shop_directory / "shop.py"
    code.write_text(code.read_text(encoding="utf-8") + '\nprint("hello from the module")\n', encoding="utf-8")
    command = [sys.executable, "-m", "milepost", "dev", "shop:app", "--no-reload", "--json"]
    with subprocess.Popen(
        command, cwd=shop_directory, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert (ready["kind"], ready["target"]) == ("ready", "shop:app")
        assert [one["name"] for one in ready["found"]["functions"]] == ["make_receipt", "fulfil_order", "diverge", "yearly"]
        milepost(shop_directory, "send", "shop/order.placed", '{"order_id": "o-1", "total": 500}')
        lines = [json.loads(process.stdout.readline()) for _ in range(4)]
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(10) == 0
    assert all(json.loads(line)["kind"] for line in rest.splitlines())
    moves = [(line["function"], line["status"]) for line in lines if line["kind"] == "run"]
    assert moves[:2] == [("fulfil_order", "running"), ("fulfil_order", "failed")]


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("shop", 2, "write shop:app"),
        ("./shop.py:app", 2, "write shop:app"),
        ("shp:app", 5, "did you mean shop?"),
    ],
)
def test_a_target_that_cannot_be_ends_at_once(shop_directory: Path, target: str, code: int, words: str) -> None:
    with dev(shop_directory, target) as running:
        running.until(words)
        assert running.process.wait(10) == code
    assert not (shop_directory / ".milepost").exists()


@pytest.mark.timeout(120)
def test_a_killed_worker_is_started_again_while_other_files_change_without_a_pause(shop_directory: Path) -> None:
    over = threading.Event()

    def churn() -> None:
        while not over.wait(0.02):
            (shop_directory / "notes.txt").write_text("more")

    writer = threading.Thread(target=churn)
    with dev(shop_directory, "shop:app") as running:
        running.until("Ctrl-C stops")
        worker = worker_of(shop_directory / STATE)
        assert worker is not None
        writer.start()
        try:
            os.kill(worker, signal.SIGKILL)
            running.until("the worker was killed by SIGKILL")
        finally:
            over.set()
            writer.join()
