"""ministack: in a virtual environment of its own, because it pins botocore, and on a port of this machine.

Its version and all that it needs stand in requirements.lock, made from requirements.in by `make lock-ministack`.
"""

import fcntl
import os
import subprocess
import sys
import venv
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from milepost.testing.moto.stage import ACCOUNT
from tests.listening import START_S, free_port, wait_for

HERE: Final = Path(__file__).parent
ENVIRONMENT: Final = HERE.parents[1] / ".venvs" / "ministack"
LOCK: Final = HERE / "requirements.lock"
REGION: Final = "eu-west-1"
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
INSTALL_S: Final = 300


class NotInstalled(Exception):
    """ministack cannot be installed on this machine."""


@contextmanager
def ministack(directory: Path) -> Generator[str]:
    """Its endpoint, while it runs; it keeps its files in the directory. Raises NotInstalled."""
    python = _installed()
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "MINISTACK_"))},
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "TMPDIR": str(directory),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "LOG_LEVEL": "ERROR",
    }
    log = directory / "ministack.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [python, "-m", "ministack"], cwd=directory, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, text=True
        )
        try:
            wait_for(server, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()  # it holds nothing that anybody wants
            server.wait(START_S)


def _installed() -> str:
    """Its Python, installed when it is not."""
    ENVIRONMENT.parent.mkdir(exist_ok=True)
    python, ready = ENVIRONMENT / "bin" / "python", ENVIRONMENT / ".ready"
    stamp = f"{ENVIRONMENT}\n{LOCK.read_text()}"
    with ENVIRONMENT.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        if not ready.exists() or ready.read_text() != stamp:
            venv.create(ENVIRONMENT, with_pip=True, clear=True)
            asked = [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "--requirement",
                str(LOCK),
            ]
            done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALL_S, check=False)
            if done.returncode != 0:
                why = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
                raise NotInstalled(f"ministack cannot be installed for Python {sys.version_info.major}.{sys.version_info.minor}: {why}")
            ready.write_text(stamp)
    return str(python)
