"""What a user installs, and what is tracked: one wheel with the right things in it, and no trace of a machine."""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from email.message import Message
from email.parser import Parser
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE_ROOTS = {"milepost": ROOT / "sdk", "milepost_handlers": ROOT / "handlers", "milepost_cdk": ROOT / "cdk_app"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel of this tree, built by pip with what is installed, without asking any index."""
    target = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(target),
        str(ROOT),
    ]
    done = subprocess.run(build, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    [path] = target.iterdir()
    assert path.name == f"milepost-{project()['version']}-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        yield archive


def project() -> dict[str, object]:
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def metadata(wheel: zipfile.ZipFile) -> Message:
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return Parser().parsestr(wheel.read(name).decode())


# ---- the wheel -------------------------------------------------------------------------------------------------------


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    sources = {
        str(path.relative_to(root))
        for package, root in SOURCE_ROOTS.items()
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert shipped == sources
    assert {"milepost/__init__.py", "milepost/py.typed"} <= shipped


def test_no_package_of_the_wheel_is_empty(wheel: zipfile.ZipFile) -> None:
    """A package whose code comes later joins the wheel when it comes."""
    modules = [Path(name) for name in wheel.namelist() if name.endswith(".py")]
    empty = {path.parts[0] for path in modules} - {path.parts[0] for path in modules if path.name != "__init__.py"}
    assert not empty


def test_the_metadata_says_what_the_project_says(wheel: zipfile.ZipFile) -> None:
    said = metadata(wheel)
    assert (said["Name"], said["Version"], said["License-Expression"]) == ("milepost", project()["version"], "Apache-2.0")
    assert said["Requires-Python"] == ">=3.11"
    assert sorted(said.get_all("Provides-Extra", [])) == ["cdk", "dev"]
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())


def test_boto3_comes_without_an_extra_and_the_cdk_only_with_one(wheel: zipfile.ZipFile) -> None:
    needed = metadata(wheel).get_all("Requires-Dist", [])
    core = {re.split(r"[^\w-]", line)[0] for line in needed if "extra ==" not in line}
    assert core == {"aws-lambda-powertools", "boto3", "click", "cronsim", "greenlet", "msgspec", "rich", "watchfiles"}
    assert {line for line in needed if "cdk" in line} == {line for line in needed if "extra == 'cdk'" in line} != set()


def test_every_entry_point_can_be_loaded(wheel: zipfile.ZipFile) -> None:
    [name] = [name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt")]
    points = ConfigParser()
    points.read_string(wheel.read(name).decode())
    found = [EntryPoint(name, value, group) for group in points.sections() for name, value in points[group].items()]
    assert {(point.group, point.name, point.value) for point in found} == {
        ("console_scripts", "milepost", "milepost.cli:main"),
        ("pytest11", "milepost", "milepost.testing.plugin"),
    }
    for point in found:
        point.load()


# ---- the locks and the tracked files ---------------------------------------------------------------------------------


def test_every_locked_package_has_a_hash_and_no_address() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\w)", text.split("\n", 2)[2])
    assert len(entries) > 30
    assert [entry for entry in entries if not re.match(r"[\w.-]+==\S+.*\\\n    --hash=sha256:", entry)] == []
    assert "://" not in text
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text(encoding="utf-8")


def traces(text: str) -> list[str]:
    """Parts of a text that only this machine, or an index's address, can have put there."""
    hosts = [
        "pypi" + r"\.org",
        "python" + r"hosted\.org",
        "registry" + r"\.npmjs\.org",
        "registry" + r"\.yarnpkg\.com",
        "deb" + r"\.debian\.org",
    ]
    places = [re.escape(str(path)) for path in {ROOT, Path.home(), Path(sys.base_prefix)} if len(path.parts) > 2]
    machine = r"(?<![\w.~-])/(?:" + "work|root|home/" + r"\w+)/\w"
    return re.findall("|".join([*hosts, *places, machine]), text)


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone: nothing is tracked")
def test_no_tracked_file_tells_of_a_machine_or_an_index() -> None:
    paths = tracked()
    assert ROOT / "pyproject.toml" in paths
    found = {str(path.relative_to(ROOT)): marks for path in paths if (marks := traces(path.read_text(encoding="utf-8", errors="replace")))}
    assert not found


@pytest.mark.parametrize(
    "text", ["https://" + "pypi" + ".org/simple", f"see {ROOT}/notes.md", "cd /" + "root/project", "cp /" + "home/ada/x y"]
)
def test_a_trace_is_found(text: str) -> None:
    assert traces(text)


@pytest.mark.parametrize(
    "text", ["tests/work/x", "../work/x", "at https://example.com/root/page", "~/root/x", "a root/leaf pair", "GET /work"]
)
def test_an_innocent_text_is_not(text: str) -> None:
    assert not traces(text)
