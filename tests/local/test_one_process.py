"""Several stores of one process on one file: SQLite's locks are the process's, and must outlive each of them."""

import time
from pathlib import Path

from milepost.local.mailbox import Mailbox
from milepost.local.store import Store
from milepost.wall_clock import SystemClock
from tests.local.processes import run

SEND = """
with Store(path, role="client") as store:
    LocalQueue(store, SystemClock()).send([Outgoing(group="default", body="hello")])
"""


def test_a_client_in_the_worker_s_process_does_not_cut_the_worker_off(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with Store(path) as worker:
        mailbox = Mailbox(worker, SystemClock())
        with Store(path, role="client"):
            for expected in (1, 2, 3):
                run(SEND, path)  # another process comes and goes
                assert worker.changed_elsewhere()
                mailbox.look_again()
                received = mailbox.receive(time.time_ns() // 1_000_000 + 60_000, 10)
                assert [message.id for message in received] == [f"m-{expected}"]
