"""Rule 4: a step's record carries epoch, k and t; in the order (epoch, k) the body saw its results.
Rule 5: what the slice did not write itself gets its place from `seen`, carried by the next write: no extra ones.
"""

import asyncio
from datetime import timedelta

from milepost import App, AsyncStep, Event
from tests.aio.plays import DAY, HOUR, Box, Notes, Played, play

HOUR_S = 3600.0
HOUR_MS = 3_600_000


def double(n: int) -> int:
    return 2 * n


def test_records_say_in_which_order_the_body_saw_them() -> None:
    async def body(saw: list[object], step: AsyncStep) -> None:
        async def one(n: int) -> None:
            for name in "ab":
                await step.run(name, double, n)
                saw.append(f"one-{n}/{name}")
            await step.sleep("nap", HOUR)
            await step.run("c", double, n)
            saw.append(f"one-{n}/c")

        await asyncio.gather(*(asyncio.create_task(one(n), name=f"one-{n}") for n in range(3)))

    played = play(body)
    runs = {path: row for path, row in played.rows.items() if row["kind"] == "run"}
    assert sorted(runs, key=lambda path: (runs[path]["epoch"], runs[path]["k"])) == played.notes.last
    assert [runs[str(path)]["epoch"] for path in played.notes.last] == [1] * 6 + [2] * 3
    first = runs["one-0/a"]["t"]
    assert [runs[str(path)]["t"] - first for path in played.notes.last] == [0] * 6 + [HOUR_MS] * 3


def seen_in(played: Played) -> dict[str, tuple[int, int]]:
    """By path: which record says that it was seen, and when on the run's clock."""
    return {path: (epoch, t) for row in played.rows.values() for path, epoch, _k, t in row.get("seen", ())}


def test_timers_and_sleeps_are_seen_in_the_next_records() -> None:
    async def body(saw: list[object], step: AsyncStep) -> None:
        await asyncio.gather(step.sleep("nap", HOUR), asyncio.sleep(2 * HOUR_S))
        saw.append("slept")
        await step.run("after", double, 1)

    played = play(body)
    assert list(played.rows) == ["a day, after which all is replayed", "after", "nap", "sleep/~timer:1"]
    after = played.rows["after"]
    assert [path for path, *_ in after["seen"]] == ["nap", "sleep/~timer:1"]
    assert seen_in(played)["sleep/~timer:1"][1] == after["t"]


def test_nothing_is_written_to_say_what_was_seen() -> None:
    app, notes = App("cheap"), Notes()

    @app.function()
    async def job(event: None, step: AsyncStep) -> None:
        saw = notes.slice()

        async def one(n: int) -> None:
            await asyncio.sleep(n * HOUR_S)
            saw.append(n)

        await asyncio.gather(*(one(n) for n in range(1, 4)))
        await step.run("end", double, 1)

    with Box(app) as box:
        run = box.invoke(job, None)
        before = box.meter.writes
        box.advance(DAY)
        assert run.status == "completed"
        # Three slices: lease, suspend (but for the last, which writes the step and the end), and nothing else.
        assert box.meter.writes - before == 3 + 2 + 1 + 1
        notes.check()


def test_an_event_and_a_child_are_seen_in_the_order_they_came() -> None:
    app, notes = App("others"), Notes()

    @app.event("others/told", keys=("n",))
    class Told(Event):
        n: int

    @app.function()
    async def child(event: int, step: AsyncStep) -> int:
        await step.sleep("nap", event * HOUR)
        return event

    @app.function(waits_for=[Told])
    async def job(event: None, step: AsyncStep) -> list[object]:
        saw = notes.slice()

        async def told(n: int) -> None:
            found = await step.wait_for_event("told", Told, n=n, timeout=DAY)
            saw.append(("told", n, found is not None))

        async def invoked(n: int) -> None:
            saw.append(("invoked", await step.invoke("child", child, n)))

        await asyncio.gather(told(1), invoked(2), told(2), invoked(1), told(3))
        await step.sleep("later", timedelta(days=3))
        return list(saw)

    with Box(app, notes=notes) as box:
        run = box.invoke(job, None)
        box.send(Told(n=2))
        box.advance(HOUR * 1.5)
        box.send(Told(n=1))
        box.advance(5 * DAY)
        assert run.result == [["told", 2, True], ["invoked", 1], ["told", 1, True], ["invoked", 2], ["told", 3, False]]
        notes.check()
        page = {path: row for path, row in box.rows(run.id).items() if row["kind"] in ("wait", "invoke")}
        assert {row["status"] for row in page.values()} == {"completed"}
