"""Concurrency for real: four worker processes on one queue, 200 runs, kill -9 at random."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.ministack.race import Race
from tests.ministack.server import NotInstalled, ministack

ORDERS = range(200)
SEED = 5
KILLS_S, LIMIT_S = 20, 90


@pytest.mark.long
def test_no_result_is_recorded_twice_and_no_run_lost_or_stuck(tmp_path: Path) -> None:
    try:
        with ministack(tmp_path) as endpoint:
            play(Race(endpoint, tmp_path, SEED))
    except NotInstalled as why:
        pytest.skip(f"the race was not run: {why}")


def play(race: Race) -> None:
    race.deploy()
    with race.running(), ThreadPoolExecutor(1) as beside:
        placing = beside.submit(race.place, ORDERS)
        race.kill_for(KILLS_S)
        placing.result()
        headers = race.come_to_rest(ORDERS, LIMIT_S)
    lost = [number for number, header in headers.items() if header is None]
    assert lost == []
    stuck = {number: (header.status.value, header.doing) for number, header in headers.items() if header and header.settled_at is None}
    assert stuck == {}, race.log()
    seen = race.results()
    assert {key: values for key, values in seen.items() if len(values) > 1} == {}
    for number, header in headers.items():
        assert header is not None
        assert header.status.value == "completed"
        paid, reserve, mail, by, shipped, packed = race.result_of(header)
        assert seen[header.run, "charge"] == {paid}
        assert seen[header.run, "both"] == {f"{reserve} {mail}"}
        assert seen[header.run, "ship"] == {shipped}
        assert by == f"ada {number}"
        assert bool(packed) is (number % 4 == 0)
        assert len({paid, reserve, mail, shipped}) == 4
    assert race.kills >= 10
