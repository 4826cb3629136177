"""Rule 2: a turn is one delivery, then all that it makes ready; also when two results were committed together."""

import asyncio

from milepost import AsyncStep
from tests.aio.plays import play

N = 4


def double(n: int) -> int:
    return 2 * n


def test_results_that_were_committed_together_are_handed_out_one_by_one() -> None:
    async def body(saw: list[object], step: AsyncStep) -> list[int]:
        async def one(n: int) -> None:
            saw.append(("got", n, await step.run("double", double, n)))
            for again in range(5):
                await asyncio.sleep(0)  # goes on in the same turn
                saw.append((n, again))

        await asyncio.gather(*(one(n) for n in range(N)))
        return []

    played = play(body)
    assert played.notes.last == [what for n in range(N) for what in (("got", n, 2 * n), *((n, again) for again in range(5)))]
    records = [played.rows[f"one{'' if n == 0 else f':{n + 1}'}/double"] for n in range(N)]
    assert {record["epoch"] for record in records} == {1}
    assert {record["ended_at"] for record in records} == {records[0]["ended_at"]}  # together


def test_first_completed_finds_one_at_a_time() -> None:
    async def body(saw: list[object], step: AsyncStep) -> list[int]:
        pending = {asyncio.create_task(step.run(f"double {n}", double, n)) for n in range(N)}
        found: list[int] = []
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            found.append(len(done))
            saw.append([task.result() for task in done])
        return found

    played = play(body)
    assert played.result == [1] * N
    assert played.notes.last == [[2 * n] for n in range(N)]


def test_what_is_due_at_the_same_time_is_handed_out_one_by_one() -> None:
    async def body(saw: list[object], step: AsyncStep) -> list[int]:
        async def one(n: int) -> None:
            await asyncio.sleep(3600)
            for again in range(3):
                saw.append((n, again))
                await asyncio.sleep(0)

        await asyncio.gather(*(one(n) for n in range(N)))
        return []

    assert play(body).notes.last == [(n, again) for n in range(N) for again in range(3)]
