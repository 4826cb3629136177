"""What the table on DynamoDB costs in processor time, and nothing of the network: its requests go to a process on this machine that
answers at once, and its answers are decoded from memory.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from benchmarks import functions
from benchmarks.bare import Bare
from benchmarks.cloud import checked
from benchmarks.functions import LONG, Asked, app
from benchmarks.sizes import Sizes
from milepost.aws.clients import Clients
from milepost.aws.items import to_attributes
from milepost.aws.shapes import decoder_of
from milepost.aws.table import DynamoTable
from milepost.engine.ports import Absent, Table
from milepost.engine.records import Packed, Record

S = TypeVar("S")

_SERVER: Final = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(
            b"HTTP/1.1 200 OK\\r\\nContent-Type: application/x-amz-json-1.0\\r\\nx-amzn-RequestId: 0123456789ABCDEF\\r\\n"
            b"x-amz-crc32: 2745614147\\r\\nContent-Length: 2\\r\\n\\r\\n{}"
        )

    def log_message(self, *args):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""

_RECORD: Final = Record(
    pk="run#0123456789abcdef0123456789",
    sk="step#charge",
    kind="run",
    status="completed",
    value=Packed(text='"' + "x" * 500 + '"'),
    attempts=1,
    started_at=1_800_000_000_000,
    ended_at=1_800_000_000_100,
    digest=1_234_567_890,
    epoch=1,
    k=5,
    t=1_800_000_000_000,
    ttl=1_805_000_000,
)
_CALLS: Final = 25
"""In a row: long enough for the clock, short enough that all ways see the same machine."""


def checkpoint(_folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """A step's conditional put of 0.8 KB: boto3's own put_item, and the table's two ways, by turns; the least of each."""
    with endpoint() as place:
        plain = Clients(_session(), endpoint=place)
        tables = {
            "plain": DynamoTable(plain, "state"),
            "direct": DynamoTable(Clients(_session(), endpoint=place, is_direct=True), "state"),
        }
        attributes, item = to_attributes(_RECORD.to_item()), _RECORD.to_item()
        ways: dict[str, Callable[[], Any]] = {
            "boto3": lambda: plain.dynamodb.put_item(
                TableName="state",
                Item=attributes,
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            ),
            "plain": lambda: tables["plain"].put(item, Absent()),
            "direct": lambda: tables["direct"].put(item, Absent()),
        }
        taken = {name: list[float]() for name in ways}
        for _ in range(max(sizes.repeats, 1)):
            for name, way in ways.items():
                taken[name].append(_cpu_us(way))
    found = {f"checkpoint.{name}": min(times) for name, times in taken.items()}
    return {**found, "checkpoint.ratio": found["checkpoint.direct"] / found["checkpoint.boto3"]}


def decoding(_folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """A page of a history, from DynamoDB's JSON to the engine's records, by record."""
    steps = sizes.histories[1]
    records = [msgspec.structs.replace(_RECORD, sk=f"step#{number:06}") for number in range(steps)]
    body = msgspec.json.encode({"Count": steps, "Items": [to_attributes(each.to_item()) for each in records]})
    decode = decoder_of(Record)
    assert [each.sk for each in decode(body)[0]] == [each.sk for each in records]
    return {"decode.record": min(_cpu_us(lambda: decode(body)) for _ in range(sizes.repeats)) / steps}


def replay(_folder: Path, sizes: Sizes) -> Mapping[str, float]:
    """A slice that comes back at the end of so many steps, with its history as DynamoDB answers it, less the same after one step."""
    steps = sizes.histories[1]
    return {"replay.wire": max(_slice_us(steps) - _slice_us(1), 0) / steps}


class _OnTheWire:
    """A local table whose histories are read from DynamoDB's JSON. The time of writing that JSON is set aside."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.aside_ns = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def query_as(self, shape: type[S], pk: str, prefix: str = "", *, after: str | None = None) -> tuple[list[S], str | None]:
        begun = time.thread_time_ns()
        page = self._table.query(pk, prefix, after=after)
        body = msgspec.json.encode({"Items": [to_attributes(item) for item in page.items]})
        self.aside_ns += time.thread_time_ns() - begun
        return decoder_of(shape)(body)[0], page.next


def _slice_us(steps: int) -> float:
    """The least of five, in one run that sleeps five times."""
    seen = list[_OnTheWire]()

    def on_the_wire(table: Table) -> Any:
        seen.append(_OnTheWire(table))
        return seen[-1]

    taken: list[float] = []
    with Bare(app, seen_as=on_the_wire) as bare:
        run = bare.invoke(functions.replayed, Asked(steps=steps))
        bare.deliver_all()
        for _ in range(5):
            bare.advance(LONG)
            aside, begun = seen[0].aside_ns, time.thread_time_ns()
            bare.deliver_all()
            taken.append((time.thread_time_ns() - begun - (seen[0].aside_ns - aside)) / 1_000)
        checked(run)
    return min(taken)


def _cpu_us(call: Callable[[], Any]) -> float:
    """Processor time of one call on this thread, its connection warm."""
    call()
    begun = time.thread_time_ns()
    for _ in range(_CALLS):
        call()
    return (time.thread_time_ns() - begun) / 1_000 / _CALLS


def _session() -> Any:
    import boto3

    # As long as those that a Lambda function has: they are signed and sent with every request.
    return boto3.Session(aws_access_key_id="A" * 20, aws_secret_access_key="s" * 40, aws_session_token="t" * 600, region_name="eu-west-1")


@contextmanager
def endpoint() -> Generator[str]:
    """Where every request is answered with an empty JSON object, by another process."""
    with subprocess.Popen([sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()
