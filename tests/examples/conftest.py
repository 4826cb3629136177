"""A ledger for each test, and the services that the async functions ask, for those that want them for real."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.github import web
from examples.github.services import Services


@pytest.fixture(autouse=True)
def own_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_EXAMPLE_LEDGER", str(tmp_path / "ledger.jsonl"))


@pytest.fixture
def services(own_ledger: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    with Services() as opened:
        monkeypatch.setattr(web.client, "base_url", opened.url)
        yield opened
