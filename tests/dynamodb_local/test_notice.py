"""Where DynamoDB Local cannot be had, that is said, and nothing fails."""

import pytest

from tests.dynamodb_local.__main__ import main


def test_without_java_nothing_is_tested_and_that_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "")
    assert main([]) == 0
    assert capsys.readouterr().out == "contract-dynamodb-local: SKIPPED: there is no java on this machine\n"
