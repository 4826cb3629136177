"""The state file: made, recognised, refused with a message that says what to do."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from milepost.engine.ports import Key
from milepost.errors import StateFileError
from milepost.local import schema as schema_module
from milepost.local.schema import SCHEMA, Role, Schema
from milepost.local.store import Store
from milepost.local.table import LocalTable
from tests.local.processes import kill_9, next_line, python, run

ROLES: tuple[Role, ...] = ("worker", "client")
KEY = Key("run#1", "run")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


def make(path: Path) -> None:
    with Store(path) as store:
        LocalTable(store).put({"pk": "run#1", "sk": "run", "n": 1})


@pytest.mark.parametrize("role", ROLES)
def test_a_file_is_made_with_its_directories_and_opened_again(tmp_path: Path, role: Role) -> None:
    path = tmp_path / "some" / "where" / "state.db"
    with Store(path, role=role) as store:
        LocalTable(store).put({"pk": "run#1", "sk": "run", "n": 1})
    with Store(path, role=role) as store:
        assert LocalTable(store).get(KEY) == {"pk": "run#1", "sk": "run", "n": 1}


def test_an_empty_file_is_a_new_file(path: Path) -> None:
    path.touch()
    make(path)
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA application_id").fetchone() == (schema_module.APPLICATION_ID,)
        assert conn.execute("PRAGMA user_version").fetchone() == (SCHEMA.version,)
        assert conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_new_file_opened_by_many_processes_at_once_is_made_once(path: Path) -> None:
    script = """
print("ready")
sys.stdin.readline()
for number in range(10):  # the first who makes one is overtaken at the next
    with Store(path.with_name(f"{number}.db"), role="client") as store:
        LocalTable(store).put({"pk": "run#1", "sk": str(os.getpid())})
"""
    with python(script, path) as a, python(script, path) as b, python(script, path) as c:
        for process in (a, b, c):
            assert next_line(process) == "ready"
        for process in (a, b, c):
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in (a, b, c):
            _, err = process.communicate()
            assert process.returncode == 0, err
    for number in range(10):
        with Store(path.with_name(f"{number}.db")) as store:
            assert len(LocalTable(store).query("run#1").items) == 3


# ---- other versions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_a_newer_file_is_refused_and_left_as_it_is(path: Path, role: Role) -> None:
    make(path)
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA user_version = 7")
    with pytest.raises(StateFileError, match=r"newer milepost \(schema 7; this one knows schema 1\): upgrade milepost"):
        Store(path, role=role)
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA user_version").fetchone() == (7,)


def add_second(conn: sqlite3.Connection) -> None:
    conn.execute("CREATE TABLE second (n)")


def add_third(conn: sqlite3.Connection) -> None:
    conn.execute("CREATE TABLE third (n)")


NEXT = Schema(version=3, tables=SCHEMA.tables, migrations={2: add_third})
TWO_ON = Schema(version=3, tables=SCHEMA.tables, migrations={1: add_second, 2: add_third})


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as conn:
        return {row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_worker_brings_an_older_file_up_to_date(path: Path) -> None:
    make(path)
    with Store(path, schema=TWO_ON) as store:
        assert LocalTable(store).get(KEY) is not None
    assert {"second", "third"} <= tables(path)
    with Store(path, role="client", schema=TWO_ON) as store:
        assert LocalTable(store).get(KEY) is not None


def test_a_client_leaves_an_older_file_to_a_worker(path: Path) -> None:
    make(path)
    with pytest.raises(StateFileError, match=r"older milepost \(schema 1; this one writes 3\): start a worker of this version"):
        Store(path, role="client", schema=TWO_ON)
    assert "second" not in tables(path)


def test_a_file_that_is_too_old_is_refused(path: Path) -> None:
    make(path)
    with pytest.raises(StateFileError, match=r"too old \(schema 1; this one reads 3\)"):
        Store(path, schema=NEXT)
    assert "third" not in tables(path)


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    make(path)

    def fail(conn: sqlite3.Connection) -> None:
        conn.execute("DROP TABLE items")
        raise LookupError

    with pytest.raises(LookupError):
        Store(path, schema=Schema(version=2, tables="", migrations={1: fail}))
    with Store(path) as store:
        assert LocalTable(store).get(KEY) is not None


# ---- not ours --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("content", [b"hello", b"{}" * 10_000, b"\0" * 4_096, b"SQLite format 3\0" + b"\xff" * 8_000])
def test_a_foreign_file_is_refused_and_left_as_it_is(path: Path, role: Role, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StateFileError, match="not a milepost state file"):
        Store(path, role=role)
    assert path.read_bytes() == content


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_another_programs_database_is_refused_and_left_as_it_is(path: Path, role: Role, journal: str) -> None:
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(f"PRAGMA journal_mode = {journal}")
        conn.execute("CREATE TABLE theirs (n)")
        conn.commit()
    with pytest.raises(StateFileError, match="not a milepost state file"):
        Store(path, role=role)
    assert tables(path) == {"theirs"}
    with closing(sqlite3.connect(path)) as conn:
        assert conn.execute("PRAGMA journal_mode").fetchone() == (journal.lower(),)


@pytest.mark.parametrize("role", ROLES)
def test_a_truncated_file_is_told(path: Path, role: Role) -> None:
    make(path)
    with path.open("r+b") as file:
        file.truncate(4_096)
    with pytest.raises(StateFileError, match="damaged"):
        _read_all(path, role)


def test_a_file_damaged_in_the_middle_is_told_when_it_is_met(path: Path) -> None:
    make(path)
    with closing(sqlite3.connect(path)) as conn:
        page = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'items'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((page - 1) * 4_096)
        file.write(b"\xde\xad\xbe\xef" * 1_024)
    with Store(path) as store:
        table = LocalTable(store)
        with pytest.raises(StateFileError, match=r"state\.db .*damaged.*restore a copy"):
            table.get(KEY)
        with pytest.raises(StateFileError, match="damaged"):
            table.put({"pk": "run#1", "sk": "run"})


def _read_all(path: Path, role: Role) -> None:
    with Store(path, role=role) as store:
        LocalTable(store).query("run#1")


# ---- not writable ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_a_directory_is_no_state_file(tmp_path: Path, role: Role) -> None:
    with pytest.raises(StateFileError, match="cannot be opened for writing"):
        Store(tmp_path, role=role)


@pytest.mark.parametrize("role", ROLES)
def test_a_path_below_a_file_is_told(path: Path, role: Role) -> None:
    path.write_text("a file")
    with pytest.raises(StateFileError, match="cannot be opened for writing"):
        Store(path / "state.db", role=role)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_directory_that_cannot_be_written_is_told(role: Role, is_there: bool) -> None:
    script = f"""
path.parent.chmod(0o555)
if os.geteuid() == 0:  # root may write anywhere
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    Store(path, role={role!r})
except StateFileError as error:
    print(error)
"""
    with tempfile.TemporaryDirectory() as directory:  # pytest's own may not be entered by others
        path = Path(directory) / "state.db"
        if is_there:
            make(path)
        printed = run(script, path)
        path.parent.chmod(0o755)
        assert path.exists() == is_there
    assert str(path) in printed
    assert "cannot be opened for writing" in printed
    assert "permissions" in printed


def test_a_failed_opening_leaves_nothing_open(path: Path) -> None:
    path.write_bytes(b"not ours")
    before = {entry.name for entry in Path("/proc/self/fd").iterdir()}
    for _ in range(3):
        with pytest.raises(StateFileError):
            Store(path)
    assert {entry.name for entry in Path("/proc/self/fd").iterdir()} == before


# ---- room ------------------------------------------------------------------------------------------------------------


def put(store: Store, ref: str, size: int = 10) -> None:
    store.commit(lambda conn: conn.execute("INSERT INTO blobs (ref, data) VALUES (?, zeroblob(?))", (ref, size)))


def blobs(path: Path) -> list[str]:
    with Store(path) as store:
        return [row[0] for row in store.read(lambda conn: conn.execute("SELECT ref FROM blobs ORDER BY ref").fetchall())]


def test_a_log_with_room_does_not_grow_and_holds_what_was_written(tmp_path: Path) -> None:
    path, log = tmp_path / "state.db", tmp_path / "state.db-wal"
    with Store(path, has_room=True) as store:
        size = log.stat().st_size
        assert size >= 16_000_000
        for number in range(20):
            put(store, f"{number:02}", 50_000)
        assert log.stat().st_size == size
    assert blobs(path) == [f"{number:02}" for number in range(20)]
    assert path.stat().st_size < 2_000_000


def test_room_is_made_once(tmp_path: Path) -> None:
    path, log = tmp_path / "state.db", tmp_path / "state.db-wal"
    with Store(path, has_room=True) as store, Store(path, role="client"):
        put(store, "first")
        size = log.stat().st_size
        store.close()  # the client's being there keeps the log
        with Store(path, has_room=True) as again:
            assert log.stat().st_size == size
            put(again, "second")
    assert blobs(path) == ["first", "second"]


def test_what_was_written_into_room_survives_a_kill_minus_9(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    script = """
with Store(path, has_room=True) as store:
    for number in range(3):
        store.commit(lambda conn: conn.execute("INSERT INTO blobs (ref, data) VALUES (?, x'00')", (str(number),)))
    print("written", flush=True)
    sys.stdin.read()
"""
    with python(script, path) as process:
        assert next_line(process) == "written"
        kill_9(process)
    with Store(path, has_room=True) as store:
        put(store, "after")
    assert blobs(path) == ["0", "1", "2", "after"]
