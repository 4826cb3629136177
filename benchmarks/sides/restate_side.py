"""Restate: its server from npm with its defaults, its Python SDK behind hypercorn, each in a process of its own.

Its log is RocksDB with fsync (`rocksdb-disable-wal-fsync = false`, the default). Changed are addresses only: loopback,
free ports, telemetry off. A client here asks the server over connections that are open before the clock starts.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.sides.http import Connection
from benchmarks.sides.protocol import serve, timed_ms

SERVER = "RESTATE_SERVER"
"""In the environment: where the server's program is."""

CONFIG = """
listen-mode = "tcp"
bind-ip = "127.0.0.1"
bind-port = {node}
advertised-host = "127.0.0.1"
disable-telemetry = true
log-filter = "error"

[ingress]
bind-port = {ingress}

[admin]
bind-port = {admin}
"""


class Restate:
    """`Side` of protocol.py."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._ports = _ports(folder)
        config = folder / "restate.toml"
        config.write_text(CONFIG.format(**self._ports), encoding="utf-8")
        server = [os.environ[SERVER], "--config-file", str(config), "--base-dir", str(folder / "data"), "--no-logo"]
        service = [
            sys.executable,
            "-m",
            "hypercorn",
            "--bind",
            f"127.0.0.1:{self._ports['service']}",
            "benchmarks.sides.restate_service:app",
        ]
        self._processes = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr) for command in (server, service)]
        for port in self._ports.values():
            _await_port(port)
        self._register()
        self._connection = self._run(Connection.open(self._ports["ingress"]))

    def _register(self) -> None:
        """Until the server, which is still getting ready, takes it."""
        deadline = time.monotonic() + 60
        while True:
            try:
                self._run(_once(self._ports["admin"], "/deployments", {"uri": f"http://127.0.0.1:{self._ports['service']}", "force": True}))
                self._run(_once(self._ports["ingress"], "/Bench/sequence", 1))
            except (RuntimeError, OSError, asyncio.IncompleteReadError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def about(self) -> dict[str, str]:
        said = subprocess.run([os.environ[SERVER], "--version"], check=True, capture_output=True, text=True).stdout.split()
        return {
            "name": "Restate",
            "version": f"{said[1]}, SDK {version('restate-sdk')}, hypercorn {version('hypercorn')}",
            "settings": "one node, 24 partitions, log with fsync: its defaults",
        }

    def sequence(self, how: str, steps: int, times: int) -> list[float]:  # noqa: ARG002 - there is one way
        return [timed_ms(lambda: self._run(self._connection.post("/Bench/sequence", steps))) for _ in range(times)]

    def fan_out(self, how: str, branches: int, times: int) -> list[float]:  # noqa: ARG002 - there is one way
        return [timed_ms(lambda: self._run(self._connection.post("/Bench/gathered", branches))) for _ in range(times)]

    def crowd(self, how: str, runs: int, steps: int) -> float:  # noqa: ARG002 - there is one way
        taken: float = self._run(self._crowd(runs, steps))
        return taken

    async def _crowd(self, runs: int, steps: int) -> float:
        connections = await asyncio.gather(*(Connection.open(self._ports["ingress"]) for _ in range(runs)))
        begun = time.perf_counter()
        await asyncio.gather(*(connection.post("/Bench/sequence", steps) for connection in connections))
        taken = (time.perf_counter() - begun) * 1000
        for connection in connections:
            connection.close()
        return taken

    def begin(self, ledger: str) -> None:
        self._run(self._connection.post("/Bench/interrupted/send", ledger, key="crash"))
        (Path(ledger).parent / "ledger.json").write_text(json.dumps(ledger), encoding="utf-8")

    def finish(self) -> None:
        ledger = json.loads((Path(sys.argv[1]) / "ledger.json").read_text(encoding="utf-8"))
        result = self._run(self._connection.post("/Bench/interrupted", ledger, key="crash"))
        if result != 10:
            raise AssertionError(result)

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)


async def _once(port: int, path: str, body: object) -> None:
    connection = await Connection.open(port)
    try:
        await connection.post(path, body)
    finally:
        connection.close()


def _ports(folder: Path) -> dict[str, int]:
    """Free ones; the same in the process after a kill."""
    kept = folder / "ports.json"
    if not kept.exists():
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
        names = ("node", "ingress", "admin", "service")
        kept.write_text(json.dumps({name: one.getsockname()[1] for name, one in zip(names, sockets, strict=True)}), encoding="utf-8")
        for one in sockets:
            one.close()
    ports: dict[str, int] = json.loads(kept.read_text(encoding="utf-8"))
    return ports


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


if __name__ == "__main__":
    side = Restate(Path(sys.argv[1]))
    serve(side)
    side.stop()
