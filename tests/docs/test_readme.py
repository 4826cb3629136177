"""README shows whole files that run, and names tests that exist."""

import re

from click.testing import CliRunner

from milepost.cli import cli
from tests.docs.blocks import ROOT, blocks

README = ROOT / "README.md"


def test_the_example_is_the_whole_file() -> None:
    [example] = [block for block in blocks(README) if block.source == "examples/quickstart/shop.py"]
    assert example.text == (ROOT / "examples/quickstart/shop.py").read_text(encoding="utf-8")


def test_every_promise_names_a_test() -> None:
    section = README.read_text(encoding="utf-8").partition("## What is promised")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| promise")]
    assert len(rows) > 5
    assert [row for row in rows if not re.search(r"\]\(tests/\S+/test_\w+\.py\)", row)] == []


def test_the_price_is_what_the_command_prints() -> None:
    section = README.read_text(encoding="utf-8").partition("## What it costs")[2].partition("\n## ")[0]
    [command] = re.findall(r"`milepost (cost docs[^`]+)`", section)
    printed = CliRunner().invoke(cli, command.split()).stdout
    amounts = re.findall(r"\$\d+\.\d\d", section)
    assert len(amounts) == 3
    assert [amount for amount in amounts if amount not in printed] == []


def test_it_is_not_long() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) < 140
