"""Fills a state file with runs that have ended, fast: the items of one real run, copied under other ids by the table port,
unconditionally and thousands to a commit. What is written is what a run writes; only no engine has written it.
"""

import time
from pathlib import Path
from typing import Any, Final

from benchmarks import functions
from benchmarks.bare import Bare
from benchmarks.functions import Asked, app
from milepost.engine import keys
from milepost.engine.ports import Put
from milepost.local.store import Store
from milepost.local.table import LocalTable

_AT_ONCE: Final = 5_000
_DAY_S: Final = 86_400


def fill(path: Path, first: int, last: int) -> None:
    """Add the runs of these numbers, one step each, to the file. Nobody else may have it open."""
    header, step = _model()
    now_ms = int(time.time() * 1000)
    ids = sorted(keys.digest("filled", str(number)) for number in range(first, last))
    with Store(path) as store:
        table = LocalTable(store)
        for start in range(0, len(ids), _AT_ONCE):
            table.write_many(
                [
                    Put({**item, "pk": keys.run_pk(run), "ttl": now_ms // 1000 + 30 * _DAY_S})
                    for at_ms, run in enumerate(ids[start : start + _AT_ONCE], now_ms - last + start)
                    for item in ({**header, "created_at": at_ms, "fn_shard": keys.function_shard("sequence", keys.shard(run))}, step)
                ]
            )


def _model() -> tuple[dict[str, Any], dict[str, Any]]:
    """The items of a run of one step."""
    with Bare(app) as bare:
        run = bare.invoke(functions.sequence, Asked(steps=1))
        bare.deliver_all()
        header, step = LocalTable(bare.store).query(keys.run_pk(run.id)).items
    return header, step
