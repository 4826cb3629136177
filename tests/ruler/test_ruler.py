"""The pairs that are compared with Amazon's engine: drawn from seeds alone, and worth comparing. No Java is needed here."""

import json
from collections import Counter

import pytest

from tests.jars import NotHere
from tests.ruler.__main__ import main
from tests.ruler.judging import Verdict, ours
from tests.ruler.pairs import pair, pairs

OPERATORS = ("prefix", "suffix", "equals-ignore-case", "wildcard", "cidr", "numeric", "anything-but", "exists", "$or")


def test_a_seed_is_a_pair() -> None:
    assert pair(17) == pair(17)
    assert list(pairs(3, 17)) == [pair(17), pair(18), pair(19)]
    assert len({one.pattern for one in pairs(200)}) > 190


def test_pairs_are_json_in_one_line() -> None:
    for one in pairs(300):
        assert json.loads(one.pattern)
        assert isinstance(json.loads(one.event), dict)
        assert not set("\t\n") & {*one.pattern, *one.event}


def test_pairs_ask_what_can_go_either_way() -> None:
    drawn = list(pairs(1_000))
    verdicts = Counter(map(ours, drawn))
    assert verdicts[Verdict.TAKEN] > 250
    assert verdicts[Verdict.LEFT] > 250
    assert 10 < verdicts[Verdict.REFUSED] < 200
    for operator in OPERATORS:
        assert sum(f'"{operator}"' in one.pattern for one in drawn) > 30, operator


def test_without_java_nothing_is_compared_and_that_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["--pairs", "1"]) == 0
    assert capsys.readouterr().out == f"contract-ruler: SKIPPED: {NotHere('there is no java on this machine')}\n"
