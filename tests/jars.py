"""Jars from Maven, for contracts that somebody else's Java code judges: fetched once, into a folder under build/.

Where Maven finds them is the machine's own settings. Never needed by `make test`.
"""

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

BUILD = Path(__file__).parents[1] / "build"
LIMIT_S = 600


class NotHere(Exception):
    """This machine has no Java, no Maven, or no way to the jars: the message says which."""


def java() -> str:
    """The path of java. Raises NotHere."""
    return _program("java")


def jars(pom: Path) -> Path:
    """A folder with what the pom depends on, down to the last jar. Raises NotHere."""
    java()
    into = BUILD / "jars" / f"{pom.parent.name}-{sha256(pom.read_bytes()).hexdigest()[:12]}"
    if into.is_dir():
        return into
    fresh = into.with_name(f"{into.name}.part")
    shutil.rmtree(fresh, ignore_errors=True)
    asked = [_program("mvn"), "--batch-mode", "--quiet", "--file", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={fresh}"]
    done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode != 0 or not fresh.is_dir():
        raise NotHere(f"Maven cannot fetch what {pom.parent.name}/{pom.name} asks for: `mvn -f {pom} dependency:resolve` says why")
    fresh.rename(into)
    return into


def compiled(source: Path, libraries: Path) -> str:
    """The class path of a Java class, compiled against these jars. Raises NotHere, and CalledProcessError with what javac says."""
    into = libraries.with_name(f"{libraries.name}-{sha256(source.read_bytes()).hexdigest()[:12]}")
    path = f"{libraries}/*:{into}"
    if not (into / f"{source.stem}.class").exists():
        subprocess.run([_program("javac"), "-d", str(into), "-cp", f"{libraries}/*", str(source)], check=True)
    return path


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise NotHere(f"there is no {name} on this machine")
    return found
