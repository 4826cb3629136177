"""The cold start: what the environment has to say, what is loaded for it, and what is not loaded until it is needed."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from milepost.contract import Names
from milepost.errors import ConfigurationError
from milepost_handlers import runtime
from milepost_handlers.runtime import current, install

ROOT = Path(__file__).resolve().parents[2]
NAMES = Names(
    table="shop-state",
    bus="shop-bus",
    queues={"default": "arn:aws:sqs:eu-west-1:123456789012:shop-default"},
    dead_letters={"default": "arn:aws:sqs:eu-west-1:123456789012:shop-default-dlq"},
    schedule_group="shop-schedules",
    schedule_role="arn:aws:iam::123456789012:role/shop-schedules",
    bucket="shop-values",
)
ENVIRONMENT = {
    **NAMES.to_environment(),
    "MILEPOST_APP": "shop:app",
    "AWS_REGION": "eu-west-1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
}
SHOP = """
from milepost import App, Event, Step

app = App("shop")


@app.event("shop/order.placed", keys=("order_id",))
class OrderPlaced(Event):
    order_id: str


@app.function(on=OrderPlaced)
def order(event: OrderPlaced, step: Step) -> None:
    step.run("a", print, "charged")
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator[Path, None, None]:
    """Of a deployed shop, in whose directory we are."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MILEPOST_")):
            monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    install(None)
    yield tmp_path
    install(None)
    sys.modules.pop("shop", None)


def test_the_runtime_is_made_once() -> None:
    made = current()
    assert made.worker.definitions.app == "shop"
    assert made.server.group == "default"
    assert current() is made


def test_another_runtime_is_installed_for_tests() -> None:
    made = current()
    other = runtime.Runtime(worker=made.worker, server=made.server)
    install(other)
    assert current() is other
    install(None)
    assert current() is not made


def test_all_that_is_missing_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MILEPOST_APP", "MILEPOST_TABLE", "MILEPOST_BUCKET"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("MILEPOST_QUEUES", "shop-queue")
    with pytest.raises(ConfigurationError) as raised:
        current()
    first, *wrong = str(raised.value).splitlines()
    assert first == "the environment of a deployed app is incomplete:"
    assert [line.split(":")[0].strip() for line in wrong] == ["MILEPOST_TABLE", "MILEPOST_QUEUES", "MILEPOST_BUCKET", "MILEPOST_APP"]


def test_a_group_without_a_queue_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILEPOST_GROUP", "heavy")
    with pytest.raises(ConfigurationError, match="MILEPOST_GROUP: is 'heavy', a worker group without a queue in MILEPOST_QUEUES: default"):
        current()


def test_a_cold_start_that_failed_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILEPOST_APP")
    with pytest.raises(ConfigurationError):
        current()
    monkeypatch.setenv("MILEPOST_APP", "shop:app")
    assert current().worker.definitions.app == "shop"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("shop", "MILEPOST_APP is 'shop': 'shop' does not say where the app is; write shop:app"),
        ("shopp:app", "there is no module 'shopp'"),
        ("shop:ap", "module 'shop' has no 'ap'; there is shop:app"),
        ("shop:OrderPlaced", "not an App"),
    ],
)
def test_an_app_that_is_not_there_is_said_as_the_setting_that_is_wrong(monkeypatch: pytest.MonkeyPatch, target: str, said: str) -> None:
    monkeypatch.setenv("MILEPOST_APP", target)
    with pytest.raises(ConfigurationError) as raised:
        current()
    assert str(raised.value).startswith(f"MILEPOST_APP is {target!r}: ")
    assert said in str(raised.value)


def test_an_app_that_cannot_be_imported_shows_its_own_traceback(environment: Path) -> None:
    (environment / "shop.py").write_text("def charge():\n    raise KeyError('price')\n\ncharge()\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        current()
    assert "KeyError: 'price'" in str(raised.value)
    assert 'shop.py", line 2, in charge' in str(raised.value)
    assert "milepost" not in str(raised.value).partition("Traceback")[2]


PROGRAM = """
import json, sys
from milepost_handlers import sweeper, worker
before = set(sys.modules)
from milepost_handlers.runtime import current
current()
print(json.dumps([sorted(before), sorted(sys.modules)]))
"""


def test_what_is_slow_is_not_loaded_before_it_is_needed(environment: Path) -> None:
    """Powertools' batch processor brings asyncio, its metrics come when there are some, its logger with the first line."""
    paths = os.pathsep.join([str(ROOT / "sdk"), str(ROOT / "handlers"), str(environment)])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PYTHONPATH": paths}
    )
    assert done.returncode == 0, done.stderr
    imported, started = json.loads(done.stdout)
    for slow in ("aws_lambda_powertools", "asyncio", "sqlite3", "pydantic", "click", "rich", "watchfiles", "moto", "milepost.local"):
        assert slow not in started, f"the cold start loads {slow}"
    assert "boto3" in started
    assert "shop" not in imported
