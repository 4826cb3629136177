"""A recorded value that cannot be read pauses its run, whatever the body makes of it, and the run goes on when it is back."""

from datetime import timedelta
from typing import Any

import pytest

from milepost import App, AsyncStep, CodecError, Step
from milepost.local.store import Store
from tests.engine.stage import SECOND, Stage

HOUR = 3_600 * SECOND
app = App("lost")


def much(seed: str) -> str:
    """More than a record holds, however it is compressed."""
    return "".join(chr(0x4E00 + number * 7_919 % 20_000) for number in range(300_000)) + seed


@app.function()
def careful(seed: str, step: Step) -> str:
    try:
        value = step.run("much", much, seed)
    except Exception as error:  # noqa: BLE001 - it takes any failure for the step's
        return f"swallowed {type(error).__name__}"
    step.sleep("rest", timedelta(hours=1))
    return value[-1]


@app.function()
async def careful_async(seed: str, step: AsyncStep) -> str:
    try:
        value = await step.run("much", much, seed)
    except Exception as error:  # noqa: BLE001 - as above
        return f"swallowed {type(error).__name__}"
    await step.sleep("rest", timedelta(hours=1))
    return value[-1]


@app.function()
def large(seed: str, step: Step) -> str:
    return much(seed)


def take_away(store: Store) -> list[tuple[Any, ...]]:
    rows = store.read(lambda conn: conn.execute("SELECT ref, data FROM blobs").fetchall())
    store.commit(lambda conn: conn.execute("DELETE FROM blobs"))
    return rows


def bring_back(store: Store, rows: list[tuple[Any, ...]]) -> None:
    store.commit(lambda conn: conn.executemany("INSERT INTO blobs (ref, data) VALUES (?, ?)", rows))


@pytest.mark.parametrize("function", [careful, careful_async], ids=["def", "async"])
def test_a_run_whose_value_is_gone_is_paused_until_it_is_back(function: Any) -> None:
    with Stage(app) as stage:
        run = stage.client.invoke(function, "!").id
        stage.run_until_idle()
        rows = take_away(stage.store)
        assert len(rows) == 1
        stage.pass_time(HOUR)
        stage.run_until_idle()
        header = stage.header(run)
        assert header.status == "paused"
        assert f"cannot read what it recorded: the value lay in a blob that is gone or damaged: {rows[0][0]}" in (header.reason or "")
        bring_back(stage.store, rows)
        assert stage.client.resume(run)
        stage.run_until_idle()
        assert stage.run(run).result == "!"


def test_a_result_that_is_gone_is_an_error_of_who_reads_it() -> None:
    with Stage(app) as stage:
        run = stage.client.invoke(large, "!").id
        stage.run_until_idle()
        rows = take_away(stage.store)
        with pytest.raises(CodecError, match="the value lay in a blob that is gone or damaged"):
            assert stage.run(run).result
        bring_back(stage.store, rows)
        assert stage.run(run).result == much("!")
