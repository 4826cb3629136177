"""Bugs of the way from the queue to the engine and back: a message that is not done must come again."""

from collections.abc import Iterable
from typing import Any

from milepost.aws.serving import Server
from milepost.engine.deliver import ACK, Verdict
from tests.sim.mutations.planting import Garden, Patch, engine, everywhere

deliver = engine("deliver")

GARDEN = Garden()
mutant = GARDEN.mutant


@mutant("deletes what is to come later", "the handler reports a message as done that is to come again when a lease has ended")
def _later_is_done() -> Iterable[Patch]:
    served = deliver.deliver

    def mutated(*args: Any) -> Verdict:
        served(*args)
        return ACK

    return everywhere(served, mutated)


@mutant("deletes what has failed", "the handler reports a message as done whose service failed beneath it")
def _failed_is_done() -> Iterable[Patch]:
    keep, serve = Server._keep, Server.serve  # pyright: ignore[reportPrivateUsage]
    kept: set[str] = set()

    def noted(self: Server, received: Any, error: Exception) -> None:
        kept.add(received.id)
        keep(self, received, error)

    def mutated(self: Server, record: Any, deadline_ms: int) -> bool:
        is_done = serve(self, record, deadline_ms)
        return is_done or record["messageId"] in kept

    return [(Server, "_keep", noted), (Server, "serve", mutated)]


@mutant("gives a message another's id", "the handler tells the engine the receipt handle as the id, which each delivery has anew")
def _other_id() -> Iterable[Patch]:
    received = Server._received  # pyright: ignore[reportPrivateUsage]

    def mutated(self: Server, record: Any) -> Any:
        count = record["attributes"]["ApproximateReceiveCount"]
        return received(self, {**record, "messageId": f"{record['messageId']}/{count}"})

    return [(Server, "_received", mutated)]
