"""What stands on the other side of HTTP, on loopback: a server of release assets, and checkers of commits.

Slow on purpose, and some of it is down now and then. It writes every request into the ledger before it answers, so that the
ledger shows what really went over the wire. ``python -m examples.github.services`` serves beside ``milepost dev``.
"""

import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import urlsplit

import msgspec

from examples.github import ledger
from examples.github.web import DEFAULT, Verdict

ASSETS: Final = ("docs.pdf", "linux.tar.gz", "macos.zip", "source.zip", "windows.zip")
FLAKY: Final = ("macos.zip", "secrets", "tests")
"""The last part of paths that refuse a request the first time."""
_PING: Final = "/ping"


class Services(ThreadingHTTPServer):
    """Serves from entering it to leaving it. ``latency``: of every answer. ``port``: 0 for any that is free."""

    daemon_threads = True

    def __init__(self, *, latency: timedelta = timedelta(0), port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.most_at_once = 0
        """The most requests that were being answered at the same time."""
        self._latency_s = latency.total_seconds()
        self._changed = threading.Condition()
        self._open = 0
        self._at_once = 0
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, name="services", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def server_close(self) -> None:
        """Serve no more; leaving it does this."""
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        super().server_close()

    def settle(self) -> None:
        """Return when every request that was sent before is in the ledger; of a client that was killed, too."""
        connection = HTTPConnection("127.0.0.1", self.server_port)  # connections are taken in order: this is behind all of them
        connection.request("GET", _PING)
        connection.getresponse().read()
        connection.close()
        with self._changed:
            self._changed.wait_for(lambda: self._open == 0)

    # ---- one request -------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, key: str) -> tuple[HTTPStatus, bytes]:
        """What it answers, once the request is in the ledger."""
        status, body = _found(path)
        if path.rpartition("/")[2] in FLAKY and ledger.count(key) == 0:
            status, body = HTTPStatus.SERVICE_UNAVAILABLE, b""
        ledger.append(key, f"{method} {path}", is_refused=status is not HTTPStatus.OK)
        with self._changed:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        self.dwell(path)
        with self._changed:
            self._at_once -= 1
        return status, body

    def dwell(self, path: str) -> None:  # noqa: ARG002 - for tests, which know what they ask for
        """Take as long as it takes."""
        time.sleep(self._latency_s)

    # ---- connections -------------------------------------------------------------------------------------------------

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed, or has thought better of it, takes no answer."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        services = self.server
        assert isinstance(services, Services)
        if self.path == _PING:
            self._send(HTTPStatus.OK, b"")
        else:
            self._send(*services.answer(self.command, self.path, self.headers["Idempotency-Key"] or "nobody"))

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def _send(self, status: HTTPStatus, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the ledger says it all."""


def _found(path: str) -> tuple[HTTPStatus, bytes]:
    match path.strip("/").split("/")[2:]:
        case ["releases", _]:
            return HTTPStatus.OK, msgspec.json.encode(ASSETS)
        case ["releases", _, asset] if asset in ASSETS:
            return HTTPStatus.OK, path.encode() * 10_000
        case ["commits", _, checker]:
            return HTTPStatus.OK, msgspec.json.encode(Verdict(passed=True, summary=f"{checker} finds nothing wrong"))
        case ["pulls", _, "merge"]:
            return HTTPStatus.OK, b"{}"
        case _:
            return HTTPStatus.NOT_FOUND, b""


def main() -> None:
    """Serve until Ctrl-C."""
    with suppress(KeyboardInterrupt), Services(latency=timedelta(seconds=1), port=urlsplit(DEFAULT).port or 0) as services:
        print(f"assets and checkers at {services.url}; stop with Ctrl-C")
        threading.Event().wait()


if __name__ == "__main__":
    main()
