"""A directory with an app and its state file, and the commands, run in this process."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from milepost import App, Run
from milepost.cli import cli
from milepost.loading import load_app
from milepost.local import LocalCloud

STATE = Path(".milepost/state.db")
SHOP = Path(__file__).with_name("shop.py")


@dataclass(frozen=True)
class Milepost:
    """The command line."""

    columns: int | None = None
    """Of the terminal; None: not a terminal."""

    def __call__(self, *arguments: str, code: int = 0, input: str | None = None) -> Result:
        variables = {"COLUMNS": None if self.columns is None else str(self.columns)}  # pytest-xdist's workers have one
        result = CliRunner(env=variables).invoke(cli, arguments, input=input, catch_exceptions=False)
        assert result.exit_code == code, f"{result.exit_code}\n{result.output}"
        return result

    def json(self, *arguments: str) -> Any:
        return msgspec.json.decode(self(*arguments, "--json").stdout)

    def error(self, *arguments: str, code: int, input: str | None = None) -> str:
        """What a failing command says; it says what to try, and writes nothing to stdout."""
        result = self(*arguments, code=code, input=input)
        assert result.stdout == ""
        assert "\ntry:   " in result.stderr or "Try '" in result.stderr
        return result.stderr


@pytest.fixture
def milepost() -> Milepost:
    return Milepost()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory: holds shop.py, and nothing else."""
    shutil.copy(SHOP, tmp_path / "shop.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def app(here: Path) -> App:
    return load_app("shop:app", here)


def eventually(is_so: Callable[[], bool]) -> None:
    """Until it is so; fails after ten seconds."""
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@dataclass(frozen=True)
class Shop:
    """Runs of every kind, on a state file that no worker has any more."""

    waiting: str
    completed: str
    failed: str
    paused: str


@pytest.fixture
def shop(app: App) -> Shop:
    events = app.definitions.events
    placed, approved, odd = (events[name].cls for name in ("shop/order.placed", "shop/order.approved", "shop/odd.thing"))
    with LocalCloud(app, STATE, target="shop:app") as cloud:
        [waiting] = cloud.send(placed(order_id="o-1", total=Decimal("9.50"), items=("a", "b")), id="event-1")
        [failed] = cloud.send(placed(order_id="o-2", total=Decimal(500)), id="event-2")
        [done] = cloud.send(placed(order_id="o-3", total=Decimal(5)), id="event-3")
        [paused] = cloud.send(odd(), id="event-4")
        eventually(lambda: _rests(waiting, "waiting") and _rests(done, "waiting") and _rests(paused, "paused"))
        cloud.send(approved(order_id="o-3"), id="event-5")
        cloud.wait(failed, done, *cloud.runs("fulfil_order.on_failure"), timeout=timedelta(seconds=10))
        eventually(lambda: len(cloud.runs("fulfil_order.on_failure", status="completed")) == 1)
    return Shop(waiting=waiting.id, completed=done.id, failed=failed.id, paused=paused.id)


def _rests(run: Run[Any], status: str) -> bool:
    return run.status == status
