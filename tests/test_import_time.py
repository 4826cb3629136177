"""`import milepost` loads little: it stands at the top of every Lambda function and every command.

The modules are counted in a fresh interpreter without site-packages' start-up files, so that nothing was loaded before.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SDK = Path(__file__).resolve().parents[1] / "sdk"

THIRD_PARTY = frozenset({"milepost", "msgspec", "typing_extensions"})
"""msgspec is the codec and costs 40 ms less than its rival; it may itself load typing_extensions."""

STANDARD_LIBRARY = frozenset(
    {
        *("abc", "annotationlib", "ast", "atexit", "builtins", "codecs", "collections", "contextlib", "contextvars", "copy", "copyreg"),
        *("dataclasses", "datetime", "decimal", "dis", "encodings", "enum", "errno", "functools", "genericpath", "graphlib", "hashlib"),
        *("heapq", "importlib", "inspect", "io", "itertools", "keyword", "linecache", "marshal", "math", "numbers", "opcode", "operator"),
        *("os", "platform", "posix", "posixpath", "ntpath", "re", "reprlib", "site", "stat", "string", "struct", "sys", "sysconfig"),
        *("textwrap", "threading", "time", "token", "tokenize", "traceback", "types", "typing", "uuid", "warnings", "weakref", "zipimport"),
        *("zlib", "zoneinfo"),
    }
)
"""What dataclasses, typing, datetime, decimal and uuid take in, and light company. Not asyncio, concurrent, json, logging, sqlite3, ssl."""


def loaded_by(statement: str, *paths: Path) -> frozenset[str]:
    """The top-level names of the modules that are loaded after ``statement`` in a fresh interpreter, without private ones."""
    search = [*map(str, paths), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    program = f"import sys; sys.path[:0] = {search!r}; exec({statement!r}); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stderr
    names = {name.partition(".")[0] for name in done.stdout.split()}
    return frozenset(name for name in names if not name.startswith("_"))


def test_import_milepost_loads_only_what_is_listed() -> None:
    surplus = loaded_by("import milepost", SDK) - THIRD_PARTY - STANDARD_LIBRARY
    assert not surplus, f"import milepost also loads {sorted(surplus)}: import it where it is used, or list it here with a reason"


@pytest.mark.parametrize(
    "heavy", ["asyncio", "concurrent.futures", "json", "logging", "sqlite3", "pydantic", "boto3", "click", "rich", "cronsim"]
)
def test_a_heavy_module_would_be_seen(tmp_path: Path, heavy: str) -> None:
    (tmp_path / "milepost.py").write_text(f"import {heavy}\n", encoding="utf-8")
    surplus = loaded_by("import milepost", tmp_path) - THIRD_PARTY - STANDARD_LIBRARY
    assert heavy.partition(".")[0] in surplus
