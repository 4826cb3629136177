"""Servers of tests: a port of this machine, and the wait until somebody listens there."""

import socket
import subprocess
import time
from typing import Final

START_S: Final = 60


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def wait_for(server: "subprocess.Popen[str]", port: int) -> None:
    """Until it listens. Raises RuntimeError when it ends instead, or takes too long."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended at once: {server.communicate()[0]}")
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the server does not listen after {START_S} s")
