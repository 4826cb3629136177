"""docs/reference/cli.md: every command's own help, the exit codes, and the JSON that each writes, from its shapes."""

import ast
import inspect
import itertools
import re
import textwrap
from collections.abc import Iterable
from typing import Any, get_args, get_origin

import click
import msgspec

from milepost.cli.exits import EXITS, ErrorShape
from milepost.cli.main import COMMANDS, cli
from milepost.cli.shapes import DOCUMENTS
from milepost.dev.sayings import Line, Logged, Problem, Ready, Said

DEV_LINES = (Ready, Line, Logged, Said, Problem)
"""The lines of `milepost dev --json`."""

_INTRODUCTION = """\
`milepost COMMAND [OPTIONS]`. State is kept in `.milepost/state.db` of the working directory; `--state PATH` names another file.
Commands work beside a running `milepost dev` and without one. RUN is a run's id or at least four characters of its beginning.
With `--stage NAME --app MODULE:APP` a command acts on that stage of the app on AWS, with the credentials and the region of the
environment: it finds the stage's table, bus and queues by the SSM parameters under `/milepost/APP/NAME/`, and leaves what follows from
it to the stage's workers. There RUN is the whole id, or the beginning of a recent one.
Times are shown in the local zone. There is no colour where output is no terminal, or where `NO_COLOR` is set.

With `--json` a command writes one JSON document to stdout (`dev`: a line for each thing that happens), and its error, if it
fails, as one to stderr. Fields may be added to these; none is renamed or removed without a new major version. Times are
ISO 8601 in UTC, `_ms` are milliseconds, and what a function stored is the JSON that was stored, byte for byte.
"""


def pages() -> dict[str, str]:
    """The page."""
    parts = ["# The command line", "<!-- Written by `make docs`; do not edit. -->", _INTRODUCTION]
    for name, command in commands():
        parts += [f"## milepost {name}", f"```text\n{help_of(name, command)}\n```"]
        if name in DOCUMENTS:
            parts.append(f"`--json`: {_type(DOCUMENTS[name])}")
        elif name == "dev":
            parts.append(f"`--json`: lines of {', '.join(f'{_kind(line)} ({_link(line)})' for line in DEV_LINES)}")
    parts += ["## Exit codes", _exit_codes(), "## JSON"]
    for shape in shapes():
        parts += [f"### {shape.__name__}", inspect.getdoc(shape) or "", _fields(shape)]
    return {"cli.md": "\n\n".join(part.strip("\n") for part in parts) + "\n"}


def commands() -> Iterable[tuple[str, click.Command]]:
    """Every command by the words that call it, sub-commands after their group."""
    context = click.Context(cli, info_name="milepost")
    for name in COMMANDS:
        command = cli.get_command(context, name)
        if command is None:
            raise ValueError(f"{name} is a command that cannot be loaded")
        yield name, command
        if isinstance(command, click.Group):
            for inner, one in command.commands.items():
                yield f"{name} {inner}", one


def help_of(name: str, command: click.Command) -> str:
    """What `milepost NAME --help` prints."""
    above = click.Context(cli, info_name="milepost", max_content_width=100, terminal_width=100, help_option_names=["-h", "--help"])
    return command.get_help(click.Context(command, parent=above, info_name=name))


def shapes() -> list[type[msgspec.Struct]]:
    """Every shape that a document is made of."""
    found: list[type[msgspec.Struct]] = []
    for start in (*DOCUMENTS.values(), *DEV_LINES, ErrorShape):
        _collect(start, found)
    return found


def _collect(annotation: Any, found: list[type[msgspec.Struct]]) -> None:
    for inner in get_args(annotation):
        _collect(inner, found)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct) and annotation not in found:
        found.append(annotation)
        for field in msgspec.structs.fields(annotation):
            _collect(field.type, found)


def _exit_codes() -> str:
    rows = [f"| {code.value} | {meaning} |" for code, meaning in EXITS.items()]
    return "\n".join(["| code | meaning |", "|---|---|", *rows])


def _fields(shape: type[msgspec.Struct]) -> str:
    docs = {name: text for cls in reversed(shape.__mro__) if cls not in (msgspec.Struct, object) for name, text in _field_docs(cls).items()}
    rows = [f"| `kind` | `{_kind(shape)}` | |"] if shape in DEV_LINES else []
    rows += [f"| `{field.name}` | {_type(field.type)} | {docs.get(field.name, '')} |" for field in msgspec.structs.fields(shape)]
    return "\n".join(["| field | type | |", "|---|---|---|", *rows])


def _field_docs(cls: type[Any]) -> dict[str, str]:
    """The strings under the fields of a class."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found: dict[str, str] = {}
    for pair in itertools.pairwise(body):
        match pair:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as text)):
                found[name] = re.sub(r"\s+", " ", text).replace("|", "\\|")
            case _:
                pass
    return found


def _type(annotation: Any) -> str:
    if annotation is msgspec.Raw:
        return "JSON"
    if annotation is type(None):
        return "null"
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is list:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return "object of strings"
    if origin is not None and str(origin) == "typing.Literal":
        return " or ".join(f'`"{value}"`' for value in inner)
    if inner:
        return " or ".join(_type(one) for one in inner)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return _link(annotation)
    names: dict[str, str] = {
        "str": "string",
        "int": "integer",
        "bool": "boolean",
        "datetime": "time",
        "RunStatus": "[status](runs.md#runstatus)",
    }
    name = str(annotation.__name__)
    return names.get(name, name)


def _link(shape: type[msgspec.Struct]) -> str:
    return f"[{shape.__name__}](#{shape.__name__.lower()})"


def _kind(shape: type[msgspec.Struct]) -> str:
    return str(shape.__struct_config__.tag)
