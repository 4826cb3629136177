"""Environments, mail and timers do what Lambda, SQS and Scheduler do: late, twice, frozen, out of time."""

import msgspec
import pytest

from milepost.engine.messages import Poke, encode
from milepost.engine.ports import Outgoing
from tests.sim.faults import KINDS, MINUTE, Rates
from tests.sim.lambdas import Environment
from tests.sim.plan import Plan, plan_of
from tests.sim.programs import Node, Program, System
from tests.sim.scheduler import START_MS
from tests.sim.timeline import Timeline
from tests.sim.world import World

SYSTEM = System((Program("p0", is_async=False, root=Node("seq", "root", children=(Node("run", "n1"),))),))
POKE = Outgoing(group="default", body=encode(Poke(run="nobody")))


def world_of(rates: Rates, *, seed: int = 1, timeline: Timeline | None = None) -> World:
    """A world in which nobody does anything by himself."""
    return World(Plan(seed=seed, system=SYSTEM, rates=rates, actions=()), timeline=timeline)


class Sandbox:
    """An environment with a task in it."""

    def __init__(self) -> None:
        self.world = world_of(Rates())
        self.scheduler = self.world.scheduler
        self.environment = Environment(self.world, "env", skew_ms=700, built=self.world.built[0])
        self.ticks: list[int] = []
        self.environment.tasks.append(self.world.spawn("ticking", self._tick, home=self.environment))

    def _tick(self) -> None:
        for _ in range(5):
            self.ticks.append(self.scheduler.now_ms - START_MS)
            self.environment.elapse(10)

    def run(self) -> list[int]:
        self.scheduler.run(until_ms=START_MS + 10 * MINUTE)
        self.scheduler.close()
        return self.ticks


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


def test_a_frozen_environment_goes_on_as_if_no_time_had_passed(sandbox: Sandbox) -> None:
    sandbox.scheduler.call_at(START_MS + 15, lambda: sandbox.environment.freeze(1_000))
    assert sandbox.run() == [0, 10, 1015, 1025, 1035]


def test_a_dead_environment_does_nothing_more(sandbox: Sandbox) -> None:
    sandbox.scheduler.call_at(START_MS + 15, lambda: sandbox.environment.die("of a test"))
    assert sandbox.run() == [0, 10]
    assert not sandbox.environment.is_alive


def test_an_invocation_whose_time_is_up_dies_unless_it_is_frozen(sandbox: Sandbox) -> None:
    sandbox.scheduler.call_at(START_MS + 15, sandbox.environment.time_out)
    assert sandbox.run() == [0, 10]
    frozen = Sandbox()
    frozen.scheduler.call_at(START_MS + 15, lambda: frozen.environment.freeze(100))
    frozen.scheduler.call_at(START_MS + 16, frozen.environment.time_out)
    assert frozen.run() == [0, 10, 115, 125, 135]
    assert frozen.environment.calls_left is not None


def test_an_environment_has_a_clock_of_its_own(sandbox: Sandbox) -> None:
    assert sandbox.environment.worker.now() == START_MS + 700
    sandbox.run()


def handed_out(world: World) -> list[tuple[int, int]]:
    """When environments are handed messages, and how many then work, until nothing is left to do."""
    found: list[tuple[int, int]] = []
    begin = world.fleet.environment

    def environment() -> Environment:
        made = begin()
        found.append((world.scheduler.now_ms, world.fleet.busy))
        return made

    world.fleet.environment = environment  # type: ignore[method-assign]
    world.scheduler.run()
    return found


# ---- mail and timers -------------------------------------------------------------------------------------------------


def visible(world: World) -> list[int]:
    """When messages become visible, until none is left."""
    found: list[int] = []
    while (at := world.mail.next_visible_at()) is not None:
        for received in world.mail.receive(at, 10):
            found.append(at - START_MS)
            world.mail.ack(received.id)
    return found


def test_mail_comes_once_and_in_time_without_faults() -> None:
    world = world_of(Rates())
    world.mail.add(POKE, START_MS)
    world.mail.add(msgspec.structs.replace(POKE, delay_ms=500), START_MS)
    assert visible(world) == [0, 500]


def test_mail_comes_twice() -> None:
    world = world_of(Rates(duplicated=1, duplicate_ms=MINUTE))
    world.mail.add(POKE, START_MS)
    first, second = visible(world)
    assert first == 0
    assert 0 <= second <= MINUTE


def test_mail_comes_late_and_so_out_of_order() -> None:
    orders: set[tuple[str, ...]] = set()
    for seed in range(20):
        world = world_of(Rates(delayed=0.5, delay_ms=MINUTE), seed=seed)
        for name in "abc":
            world.mail.add(POKE, START_MS, name)
        orders.add(tuple(received.id for received in world.mail.receive(START_MS + MINUTE, 10)))
    assert len(orders) > 3


def test_timers_fire_in_time_late_or_never() -> None:
    far = START_MS + 60 * MINUTE

    def fires(rates: Rates) -> list[int]:
        world = world_of(rates)
        world.cloud.timers.arm("t", far, POKE)
        found = [at - far for at, _busy in handed_out(world)]
        world.scheduler.close()
        return found

    assert fires(Rates()) == [0]
    [late] = fires(Rates(timer_late=1, timer_late_ms=MINUTE))
    assert 0 < late <= MINUTE
    assert fires(Rates(timer_lost=1)) == []


# ---- the fleet -------------------------------------------------------------------------------------------------------


def most_busy(world: World, messages: int) -> int:
    """How many environments work at once at most, with so many messages at once."""
    for _ in range(messages):
        world.mail.add(POKE, START_MS)
    busy = [busy for _at, busy in handed_out(world)]
    world.scheduler.close()
    assert len(busy) == world.deliveries == messages
    return max(busy)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_environments_than_allowed_work_at_once(concurrency: int) -> None:
    assert most_busy(world_of(Rates(concurrency=concurrency)), 10) == concurrency


def test_environments_are_used_again_unless_they_start_cold() -> None:
    warm, cold = world_of(Rates(cold=0, concurrency=2)), world_of(Rates(cold=1, concurrency=2))
    most_busy(warm, 10)
    most_busy(cold, 10)
    assert warm.fleet.started == 2
    assert cold.fleet.started == 10


def test_without_faults_nothing_is_delivered_twice() -> None:
    for seed in range(60):
        plan = plan_of(seed)
        rates = Rates(concurrency=plan.rates.concurrency, cold=plan.rates.cold)
        actions = tuple(action for action in plan.actions if action.kind in ("ask", "tell"))
        timeline = Timeline()
        world = World(msgspec.structs.replace(plan, rates=rates, actions=actions), timeline=timeline)
        world.play()
        assert world.faults.struck == []
        assert world.mail.dead == []
        assert world.fleet.most_deliveries == 1, (seed, timeline.text(world))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_of_fault_can_be_left_out(kind: str) -> None:
    plan = plan_of(17)
    rates = msgspec.structs.replace(plan.rates, crash_after=0.03, slow=0.03, duplicated=0.3)
    world = World(msgspec.structs.replace(plan, rates=rates), dropped=frozenset({kind}))
    world.play()
    assert kind not in {fault.kind for fault in world.faults.struck}
