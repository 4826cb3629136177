"""The backend of a Sandbox on moto: boto3 ports, and the handlers called as Lambda calls them, one message at a time."""

from collections.abc import Callable
from typing import Any, Final

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.utilities import dynamo_to_dict

from milepost.aws.assembly import worker_on
from milepost.aws.items import from_attributes
from milepost.definitions import Definitions
from milepost.engine.messages import Received
from milepost.engine.ports import DUE, Entry, Item, Key, Ports
from milepost.engine.schedules import Schedules
from milepost.engine.worker import Moved, Worker, ignore
from milepost.testing.backends import OVERDUE_MS, SWEEP_MS
from milepost.testing.clock import VirtualClock
from milepost.testing.moto.cloud import MotoCloud
from milepost.testing.moto.lambdas import Lambdas
from milepost.testing.moto.locks import LOCK
from milepost.testing.moto.queues import Record
from milepost.testing.moto.stage import ACCOUNT

_MINUTE_MS: Final = 60_000


class MotoBackend:
    """A `MotoCloud`, driven as AWS drives a deployed app."""

    delivers_early = True

    def __init__(self, definitions: Definitions, clock: VirtualClock) -> None:
        self._definitions = definitions
        self._clock = clock
        self.cloud: Final = MotoCloud(definitions, clock)
        self._records: dict[str, Record] = {}
        """Messages in flight, by id."""
        self._has_crons = any(trigger.cron is not None for each in definitions.functions.values() for trigger in each.triggers)

    @property
    def ports(self) -> Ports:
        return self.cloud.ports

    def open(self) -> None:
        self.cloud.__enter__()
        self._lambdas = Lambdas(self.cloud.clients, self.cloud.names, self._clock)

    def close(self) -> None:
        self._lambdas.close()
        self.cloud.__exit__(None, None, None)

    def look(self, key: Key) -> Item | None:
        with LOCK:
            partition: Any = self._partitions().get(DynamoType({"S": key.pk}), {})
            item = partition.get(DynamoType({"S": key.sk}))
            return None if item is None else from_attributes(dynamo_to_dict(item.attrs))

    def worker(self, ports: Ports, observe: Callable[[Moved], None] = ignore) -> Worker:
        return worker_on(ports, self._definitions, observe=observe)

    def begin(self, plain: Worker, outside: Worker) -> None:
        del outside
        self._plain = plain
        self._swept_at = self._clock.now_ms()
        self._next_tick: int | None = None
        if self._has_crons:
            self._sweep()  # from now on its crons count

    # ---- what is due, and is no message ------------------------------------------------------------------------------

    def tend(self) -> None:
        now = self._clock.now_ms()
        self.cloud.schedules.fire(now)
        if self._ticks_at() == now or (now - self._swept_at >= SWEEP_MS and self._has_work(now)):
            self._sweep()

    def next_at(self, *, with_sweeper: bool = True) -> int | None:
        due = [self.cloud.next_at(), self._ticks_at(), self._next_sweep() if with_sweeper else None]
        return min((at for at in due if at is not None), default=None)

    def _sweep(self) -> None:
        now = self._clock.now_ms()
        self._swept_at = now
        self._lambdas.sweep(self._plain, now + _MINUTE_MS)
        self._next_tick = Schedules(self._plain).next_at() if self._has_crons else None
        self._expire(now // 1000)

    def _ticks_at(self) -> int | None:
        """When the sweeper has to send the next tick ahead: it is called at the full minute, and sends those of the minute to come."""
        if self._next_tick is None:
            return None
        return max(-(-self._next_tick // _MINUTE_MS) * _MINUTE_MS - _MINUTE_MS, self._clock.now_ms())

    def _next_sweep(self) -> int | None:
        """When the sweeper will find something: it is called every minute, but nobody waits for it in vain."""
        dues = self._dues()
        return None if not dues else max(min(dues) + OVERDUE_MS, self._swept_at + SWEEP_MS)

    def _has_work(self, now_ms: int) -> bool:
        return any(at + OVERDUE_MS <= now_ms for at in self._dues()) or self._has_paused()

    def _dues(self) -> list[int]:
        return [int(item.attrs[DUE.range].value) for item in self._items() if DUE.hash in item.attrs and DUE.range in item.attrs]

    def _has_paused(self) -> bool:
        return any(DUE.hash in item.attrs and str(item.attrs[DUE.hash].value).startswith("paused") for item in self._items())

    def _expire(self, now_s: int) -> None:
        """What DynamoDB does some hours or days after an item's time to live, and moto never."""
        with LOCK:
            for partition in self._partitions().values():
                for key in [key for key, item in partition.items() if "ttl" in item.attrs and int(item.attrs["ttl"].value) <= now_s]:
                    del partition[key]

    def _items(self) -> list[Any]:
        with LOCK:
            return [item for partition in self._partitions().values() for item in partition.values()]

    def _partitions(self) -> Any:
        """Items of the table by both halves of their keys; none when a test has taken the table away."""
        table: Any = dynamodb_backends[ACCOUNT][self.cloud.clients.region].tables.get(self.cloud.names.table)
        return {} if table is None else table.items

    # ---- messages ----------------------------------------------------------------------------------------------------

    def receive(self) -> Received | None:
        found = self.cloud.queues.receive(1)
        if not found:
            return None
        record = found[0]
        attributes = record["attributes"]
        self._records[record["messageId"]] = record
        return Received(
            id=record["messageId"],
            group=self.cloud.queues.group_of(record),
            body=record["body"],
            deliveries=int(attributes["ApproximateReceiveCount"]),
            sent_at_ms=int(attributes["SentTimestamp"]),
        )

    def serve(self, received: Received, worker: Worker, deadline_ms: int) -> bool:
        record = self._records.pop(received.id)
        staying, is_put_off = self._lambdas.work(worker, received.group, [record], deadline_ms)
        if received.id not in staying:
            self.cloud.queues.delete([record])
        return is_put_off

    def put_event(self, entry: Entry) -> str:
        bus = "default" if entry.source.startswith("aws.") else self.cloud.names.bus
        request = {"EventBusName": bus, "Source": entry.source, "DetailType": entry.name, "Detail": entry.detail}
        [result] = self.cloud.clients.events.put_events(Entries=[request])["Entries"]
        if "EventId" not in result:
            raise ValueError(f"EventBridge refuses the event {entry.name!r}: {result['ErrorCode']}: {result['ErrorMessage']}")
        return str(result["EventId"])
