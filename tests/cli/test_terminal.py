"""On a terminal, on one that wants no colour, on one that knows ASCII only, and into a pipe that closes."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Shop

SDK = Path(__file__).parents[2] / "sdk"
COMMAND = [sys.executable, "-m", "milepost"]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "CI", "FORCE_COLOR")}
    return {**kept, "PYTHONPATH": str(SDK), "TERM": "xterm-256color", **more}


def on_terminal(*arguments: str, **variables: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen([*COMMAND, *arguments], env=environment(**variables), stdout=theirs, stderr=theirs) as process:
            os.close(theirs)
            written = b""
            while chunk := _read(ours):
                written += chunk
            process.wait(30)
    finally:
        os.close(ours)
    return written.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # Linux's way to say that the other end was closed
        return b""


def test_a_terminal_sees_colour_unless_it_wants_none(shop: Shop) -> None:
    assert "\x1b[31mfailed" in on_terminal("runs")
    assert "\x1b" not in on_terminal("runs", NO_COLOR="1")
    assert "\x1b[" in on_terminal("show", "zzzz")
    assert "\x1b" not in on_terminal("show", "zzzz", NO_COLOR="1")


def test_a_terminal_that_knows_ascii_only_is_not_a_reason_to_fail(shop: Shop) -> None:
    done = subprocess.run(
        [*COMMAND, "show", shop.completed], env=environment(PYTHONIOENCODING="ascii", COLUMNS="60"), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"+ charge" in done.stdout


@pytest.mark.parametrize("command", [["runs"], ["events", "--json"]])
def test_a_pipe_that_is_closed_is_no_news(shop: Shop, command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen([*COMMAND, *command], env=environment(), stdout=writer, stderr=subprocess.PIPE) as process:
        os.close(writer)
        assert process.stderr is not None
        assert process.stderr.read() == b""
