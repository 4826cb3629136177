"""The commands of the tutorial do what it shows: run in its order, their output has each line it prints, times aside."""

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from milepost.cli import cli
from milepost.testing import crash_everywhere
from tests.docs.blocks import ROOT, blocks

MILEPOST = f"{sys.executable} -m milepost"
DEADLINE_S = 20.0

_ALIKE = (
    (r"[█░]+", " "),
    (r"\d\d:\d\d:\d\d( [+-]\d{4})?", "TIME"),
    (r"\+?\d+(\.\d+)? ?(ms|s|min|m|h|d)\b", "SPAN"),
    (r"\b(SPAN ago|just now)", "SPAN ago"),
    (r"\s+", " "),
)


def shape(line: str) -> str:
    """The line without what differs from run to run: times, durations, bars, spaces."""
    for pattern, stand_in in _ALIKE:
        line = re.sub(pattern, stand_in, line)
    return line.strip()


def commands() -> list[tuple[str, list[str]]]:
    """Every command with the lines that the tutorial shows of its output."""
    found: list[tuple[str, list[str]]] = []
    for block in blocks(ROOT / "docs" / "tutorial.md"):
        if block.language == "console":
            for line in block.text.splitlines():
                if line.startswith("$ "):
                    found.append((line[2:], []))
                else:
                    found[-1][1].append(line)
    return found


@pytest.fixture
def environment() -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "sdk")])
    return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "130", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def worker(tmp_path: Path, environment: dict[str, str]) -> Iterator[Path]:
    """`milepost dev` as the tutorial starts it; its output in a file."""
    [command] = [command for command, _ in commands() if command.startswith("milepost dev")]
    output = tmp_path / "dev.txt"
    with output.open("w") as file:
        process = subprocess.Popen(
            ["bash", "-c", "exec " + command.replace("milepost", MILEPOST, 1)], cwd=tmp_path, env=environment, stdout=file, stderr=file
        )
        try:
            until(lambda: "Ctrl-C stops" in output.read_text(), output)
            yield output
        finally:
            process.terminate()
            process.wait(10)


def until(is_so: Callable[[], bool], output: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.02)


def lacking(shown: list[str], printed: str) -> list[str]:
    """Lines of the tutorial that the command has not printed; one that ends in ... is the beginning of a line."""
    there = [shape(line) for line in printed.splitlines()]
    return [line for line in shown if not any(is_shown(shape(line), one) for one in there)]


def is_shown(line: str, printed: str) -> bool:
    return printed.startswith(line.removesuffix("...")) if line.endswith("...") else printed == line


def run(command: str) -> str:
    """What a command prints. A client reads and writes the state file wherever it runs, so it needs no process of its own."""
    if not command.startswith("milepost"):
        return subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True).stdout
    done = CliRunner().invoke(cli, shlex.split(command)[1:])
    assert done.exit_code == 0, (command, done.output)
    return done.output


def test_the_commands_print_what_the_tutorial_shows(
    tmp_path: Path, environment: dict[str, str], worker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():  # not another os.environ: what is imported meanwhile would keep that for good
        monkeypatch.setenv(name, value)
    for command, shown in commands():
        if command.startswith("milepost dev"):
            assert lacking(shown, worker.read_text()) == []
        elif command.startswith(("milepost", "kill")):
            deadline = time.monotonic() + DEADLINE_S
            while left := lacking(shown, printed := run(command)):
                # What is read may come a moment after the command before it.
                assert command.startswith(("milepost runs", "milepost show")), (command, left, printed)
                assert time.monotonic() < deadline, (command, left, printed)
                time.sleep(0.3)
    until(lambda: "the worker was killed by SIGKILL" in worker.read_text(), worker)


def test_the_number_of_tests_is_true() -> None:
    from docs.tutorial import test_trips

    [shown] = [shown for command, shown in commands() if command.startswith("pytest")]
    assert shown == [f"{sum(name.startswith('test_') for name in vars(test_trips))} passed"]


def test_the_report_is_what_is_said() -> None:
    from docs.tutorial.test_trips import travel_by_mail
    from docs.tutorial.trips import app

    [shown] = [block.text for block in blocks(ROOT / "docs" / "tutorial.md") if block.text.startswith("step 'mail' of confirm")]
    with pytest.raises(AssertionError) as caught:
        crash_everywhere(app, travel_by_mail)
    assert numberless(shown.rstrip("\n")) == numberless(str(caught.value))


def numberless(report: str) -> str:
    """Without the count of port calls, which is nobody's promise."""
    return re.sub(r"\b\d+ of \d+|before \d+", "n", report)


def test_lines_are_compared_by_shape() -> None:
    assert lacking(["a  completed  11 ms  ██  ok"], "a completed 3.5 s ░ ok\n") == []
    assert lacking(["a  completed  11 ms"], "a failed 11 ms\n") == ["a  completed  11 ms"]
    assert lacking(["a  completed ..."], "a completed 11 ms\n") == []
    assert lacking(["a  completed ..."], "a failed 11 ms\n") == ["a  completed ..."]
