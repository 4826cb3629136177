"""What the help says, that it is quick, and that docs/reference holds all of it."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from docs.generate import REFERENCE
from docs.generators import cli as generator
from milepost.cli import cli
from milepost.cli.exits import EXITS, Exit
from milepost.cli.main import COMMANDS
from tests.cli.conftest import Milepost

SDK = Path(__file__).parents[2] / "sdk"
HEAVY = {"boto3", "botocore", "aws_lambda_powertools", "watchfiles", "rich", "sqlite3", "asyncio", "anyio", "pydantic", "pytest"}

STATELESS = {"cost"}
"""Commands that look at no state."""


def loaded_by(*arguments: str) -> set[str]:
    """Top-level modules loaded by a command in a fresh interpreter."""
    program = (
        "import sys, atexit; sys.path.insert(0, sys.argv.pop(1)); "
        "atexit.register(lambda: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)); "
        "from milepost.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", program, str(SDK), *arguments], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_the_help_names_every_command_and_exit_code(milepost: Milepost) -> None:
    text = milepost("--help").stdout
    for name, summary in COMMANDS.items():
        assert f"  {name} " in text
        assert summary.split(",")[0][:40] in text
    assert set(EXITS) == set(Exit)
    assert all(f"\n  {code.value} " in text for code in Exit)


def test_the_help_is_quick(milepost: Milepost) -> None:
    found = loaded_by("--help")
    assert "click" in found
    assert found & HEAVY == set()


def test_a_client_loads_neither_aws_nor_the_reloader() -> None:
    assert loaded_by("runs", "--help") & {"boto3", "botocore", "aws_lambda_powertools", "watchfiles", "asyncio", "pydantic"} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(milepost: Milepost, name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    text = milepost(name, "--help").stdout
    assert f"milepost {name}" in text.replace("cli ", "milepost ")
    if not isinstance(command, click.Group):
        assert command.get_short_help_str(200).split(";")[0].split(",")[0].split(":")[0].rstrip(".") in COMMANDS[name]
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        assert ({"as_json"} if name in STATELESS else {"as_json", "state"}) <= {option.name for option in options}
        assert [option.name for option in options if not option.help] == []


def test_every_command_and_shape_stands_in_the_reference() -> None:
    page = (REFERENCE / "cli.md").read_text(encoding="utf-8")
    assert page == generator.pages()["cli.md"], "run `make docs` and commit what it writes"
    for name, _ in generator.commands():
        assert f"## milepost {name}\n" in page
    for shape in generator.shapes():
        assert f"### {shape.__name__}\n" in page


def test_the_version_is_that_of_the_package(milepost: Milepost) -> None:
    assert milepost("--version").stdout.startswith("milepost")
