"""A plain HTTP/1.1 client over connections that stay open: the cheapest way to ask a server many things at once.

Runs in the peers' environment: standard library only.
"""

import asyncio
import json


class Connection:
    """One connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """To this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: object, *, key: str | None = None) -> object:
        """The answer's JSON. Raises RuntimeError for any other status than 2xx."""
        content = json.dumps(body).encode()
        extra = "" if key is None else f"idempotency-key: {key}\r\n"
        head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{extra}content-length: {len(content)}\r\n\r\n"
        self._writer.write(head.encode() + content)
        status, headers = await self._head()
        text = await self._body(headers)
        if not status.startswith("2"):
            raise RuntimeError(f"POST {path}: {status} {text.decode()}")
        return json.loads(text) if text else None

    async def _head(self) -> tuple[str, dict[str, str]]:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return lines[0].split(" ", 1)[1], headers

    async def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return await self._reader.readexactly(int(headers.get("content-length", "0")))
        text = b""
        while size := int(await self._reader.readline(), 16):
            text += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readline()
        return text

    def close(self) -> None:
        """Let go of it."""
        self._writer.close()
