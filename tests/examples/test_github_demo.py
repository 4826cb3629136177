"""`make demo` as a user sees it: another process, its output, its exit code; and what Ctrl-C leaves behind."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-W", "error", "-m", "examples.github.demo")
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}", "COLUMNS": "80"}


def worker_pid(ledger: Path, demo: int) -> int | None:
    """Whoever calls and is not the demo, which writes down what it is asked over HTTP."""
    found = {int(pid) for pid in re.findall(rb'"pid":(\d+)', ledger.read_bytes())} if ledger.exists() else set[int]()
    return next(iter(found - {demo}), None)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


HEARS_CTRL_C = [
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
]
"""Before a command: a shell that runs the tests in the background makes all below it deaf to SIGINT."""


@pytest.mark.timeout(120)
def test_the_demo_shows_its_count_and_ends_with_0(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, str(tmp_path)], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=110, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "kill -9" in done.stdout
    assert re.search(r"^ +329  webhooks sent, each accepted once", done.stdout, re.MULTILINE)
    assert re.search(r"^ +0  recorded steps executed again", done.stdout, re.MULTILINE)
    assert re.search(r"deploy +4   3 completed, 1 failed", done.stdout)
    assert re.search(r"post_checksums +3   3 completed", done.stdout)
    assert re.search(r"merge_when_ready +3   3 completed", done.stdout)
    assert "\x1b" not in done.stdout, "colour where there is no terminal"


@pytest.mark.timeout(120)
def test_ctrl_c_ends_the_demo_and_its_worker(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*HEARS_CTRL_C, *COMMAND, str(tmp_path)], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as demo:
        deadline = time.monotonic() + 60
        while (pid := worker_pid(tmp_path / "ledger.jsonl", demo.pid)) is None:
            assert time.monotonic() < deadline, "the demo's worker does nothing"
            time.sleep(0.02)
        demo.send_signal(signal.SIGINT)
        out, err = demo.communicate(timeout=50)
    assert (demo.returncode, err) == (130, "")
    assert out.endswith("stopped\n")
    assert not is_alive(pid)
