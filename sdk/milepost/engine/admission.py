"""From an event to a start: which run, or why none."""

from milepost.engine import keys
from milepost.engine.facts import TooManyHops
from milepost.engine.messages import Accepted, Start
from milepost.engine.ports import Put
from milepost.engine.worker import Worker


def admit(worker: Worker, function: str, event: Accepted) -> Start | None:
    """The start that the event asks for; None when it starts nothing on purpose, which is recorded with the reason."""
    if event.hops > worker.settings.max_hops:
        skip(worker, function, event, f"{event.hops} events led to this one, {worker.settings.max_hops} at most: taken for a loop")
        if worker.notice is not None:
            worker.notice(TooManyHops(function, event.id, event.hops))
        return None
    return Start(
        run=keys.run_id(function, event.name, event.id),
        function=function,
        data=event.data,
        event_name=event.name,
        event_id=event.id,
        event_at=event.at,
        event_source=event.source,
        hops=event.hops,
    )


def skip(worker: Worker, function: str, event: Accepted, reason: str) -> None:
    """Record that the event starts nothing. Idempotent."""
    key = keys.skip_row(function, event.at, event.id)
    ttl = (worker.now() + worker.settings.event_retention_ms) // 1000
    item = {"pk": key.pk, "sk": key.sk, "v": 1, "event": event.name, "event_id": event.id, "reason": reason, "ttl": ttl}
    worker.ports.table.write_many([Put(item)])
    worker.log.error("an event was skipped", function=function, event=event.name, event_id=event.id, reason=reason)
