"""What only a store on disk can do wrong: opening, closing, sharing a folder, leaving things behind."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
from concurrent.futures import Future
from pathlib import Path

import apsw
import pytest

from tests.storage.faults import disk, flips, workload
from tests.storage.test_contract import BUS, SPEED, born, of, read
from tests.storage.test_semantics import objects, plain
from zhicheng.kernel.errors import BadConfiguration, Corrupt, StorageFailed, Unavailable, ZhichengError
from zhicheng.standards.changes import Act, ChangesBuilder, Form
from zhicheng.standards.ngsild.model import Kind
from zhicheng.storage.engines.embedded.database import FORMAT, Database
from zhicheng.storage.engines.embedded.migrations import migrate
from zhicheng.storage.engines.embedded.store import EmbeddedSettings, EmbeddedStore
from zhicheng.storage.log import Commit, Cursor, HistoryQuery, Producer, Receipt


def speed(store: EmbeddedStore) -> object:
    entity = store.entity(BUS)
    return None if entity is None else entity.attributes[SPEED][0].value


# opening again ------------------------------------------------------------------------------------------------


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    receipt = store.commit(of(born(), read(1), producer=Producer("feed", 1, 3), cursor=Cursor("app", 2, "9", b"s")))
    digest = store.put_blob(b"photo")
    before = plain(objects(store.state))
    store.close()
    store = EmbeddedStore(tmp_path)
    assert plain(objects(store.state)) == before
    assert store.cursor("app", 2) == Cursor("app", 2, "9", b"s")
    assert store.blob(digest) == b"photo"
    again = store.commit(of(born(), producer=Producer("feed", 1, 3)))
    assert again == Receipt(receipt.position, receipt.recorded_at, repeated=True)
    store.close()


def test_what_was_sealed_is_alive_without_a_snapshot(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    version = store.commit(of(born(), read(1))).position
    store.seal()
    store.close()
    shutil.rmtree(tmp_path / "snapshots")
    store = EmbeddedStore(tmp_path)
    with pytest.raises(ZhichengError, match="exists already"):
        store.commit(of(born()))
    store.commit(of(read(2), expected={BUS: version}))
    assert speed(store) == 2
    store.close()


def test_recorded_at_does_not_go_back_over_a_restart(tmp_path: Path) -> None:
    now = workload.START
    for sealed in (False, True):
        store = EmbeddedStore(tmp_path / str(sealed), clock=lambda: now)
        first = store.commit(of(born()))
        if sealed:
            store.seal()
        store.close()
        shutil.rmtree(tmp_path / str(sealed) / "snapshots")
        store = EmbeddedStore(tmp_path / str(sealed), clock=lambda: now - 10**9)
        assert store.commit(of(read(1))).recorded_at == first.recorded_at
        store.close()


def test_tenants_are_folders_that_know_nothing_of_each_other(tmp_path: Path) -> None:
    one, two = EmbeddedStore(tmp_path / "one"), EmbeddedStore(tmp_path / "two")
    one.commit(of(born(), read(1), producer=Producer("feed", 1, 0), cursor=Cursor("app", 0, "1")))
    digest = one.put_blob(b"of one")
    assert two.entity(BUS) is None and two.cursor("app") is None and not len(two.tail(0))
    with pytest.raises(ZhichengError):
        two.blob(digest)
    assert not two.commit(of(born(), producer=Producer("feed", 1, 0))).repeated
    two.close()
    shutil.rmtree(tmp_path / "two")
    assert speed(one) == 1
    one.close()


# sharing a folder ---------------------------------------------------------------------------------------------


def test_a_folder_has_one_store_at_a_time(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    with pytest.raises(Unavailable, match=r"in use by process \d+"):
        EmbeddedStore(tmp_path)
    program = (
        "import sys\nfrom pathlib import Path\nfrom zhicheng.kernel.errors import Unavailable\n"
        "from zhicheng.storage.engines.embedded.store import EmbeddedStore\n"
        "try: EmbeddedStore(Path(sys.argv[1]))\nexcept Unavailable as error: sys.exit(error.facts['process'])"
    )
    other = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
    assert other.returncode == 1 and other.stderr.strip().isdigit(), other.stderr
    store.commit(of(born()))
    store.close()
    EmbeddedStore(tmp_path).close()


def test_a_failed_opening_lets_go_of_the_folder(tmp_path: Path) -> None:
    flips.build(tmp_path)
    segment = min((tmp_path / "segments").iterdir())
    whole = segment.read_bytes()
    shutil.rmtree(tmp_path / "snapshots")
    segment.write_bytes(whole[:-1])
    with pytest.raises(Corrupt, match="digest"):
        EmbeddedStore(tmp_path)
    segment.write_bytes(whole)
    EmbeddedStore(tmp_path).close()


# formats ------------------------------------------------------------------------------------------------------


def test_a_newer_format_is_refused_untouched(tmp_path: Path) -> None:
    EmbeddedStore(tmp_path).close()
    with apsw.Connection(str(tmp_path / "state.db"), vfs="cksmvfs") as database:
        database.execute(f"PRAGMA user_version={FORMAT + 1}")
    database.close()
    before = (tmp_path / "state.db").read_bytes()
    with pytest.raises(BadConfiguration, match="newer version"):
        EmbeddedStore(tmp_path)
    assert (tmp_path / "state.db").read_bytes() == before


def test_migrations_run_one_number_after_the_other(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.commit(of(born(), read(1)))
    store.close()
    database = Database(tmp_path / "state.db")
    done = []

    def rename(database: Database, folder: Path) -> None:
        done.append((database.number("PRAGMA user_version"), folder))
        database.run("ALTER TABLE cursors RENAME TO readers")

    def fail(database: Database, folder: Path) -> None:
        database.run("DROP TABLE readers")
        raise Corrupt("half-way", "半途")

    with pytest.raises(Corrupt):
        migrate(database, tmp_path, {FORMAT: rename, FORMAT + 1: fail}, FORMAT + 2)
    assert database.number("PRAGMA user_version") == FORMAT + 1
    assert database.number("SELECT count(*) FROM readers") == 0, "a failed migration leaves nothing"
    assert done == [(FORMAT, tmp_path)]
    with pytest.raises(BadConfiguration, match="older version"):
        migrate(database, tmp_path, {}, FORMAT + 2)
    migrate(database, tmp_path, {FORMAT + 1: lambda *_: None}, FORMAT + 2)
    assert database.number("PRAGMA user_version") == FORMAT + 2
    database.close()


def test_a_store_that_was_half_made_has_its_checksums(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    EmbeddedStore(tmp_path).close()
    with apsw.Connection(str(tmp_path / "state.db"), vfs="cksmvfs") as database:
        assert next(iter(database.execute("PRAGMA checksum_verification")))[0] == "1"
        assert next(iter(database.execute("PRAGMA page_size")))[0] == 8192
    database.close()


def test_every_setting_of_the_database_is_in_force(tmp_path: Path) -> None:
    """A PRAGMA that answers hides those behind it, unless its answer is read."""
    database = Database(tmp_path / "state.db")
    wanted = {
        "journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "auto_vacuum": 2, "page_size": 8192,
        "wal_autocheckpoint": 2000, "journal_size_limit": 4_194_304, "checksum_verification": "1",
    }  # fmt: skip
    assert {name: database.rows(f"PRAGMA {name}")[0][0] for name in wanted} == wanted
    database.close()


def test_sealing_gives_the_space_of_the_blocks_back(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.commit(workload.first_commit())
    for number in range(40):
        store.commit(Commit(disk.changes(number, 60_000), "tester", "test"))
    store.seal()
    store.close()
    assert (tmp_path / "state.db").stat().st_size < 200_000


def test_a_lost_state_db_is_no_empty_store(tmp_path: Path) -> None:
    flips.build(tmp_path)
    segments = sorted((tmp_path / "segments").iterdir())
    for lose in (lambda path: path.unlink(), lambda path: path.touch()):
        lose(tmp_path / "state.db")  # type: ignore[no-untyped-call]  # both give nothing
        with pytest.raises(Corrupt, match="restore"):
            EmbeddedStore(tmp_path)
        assert sorted((tmp_path / "segments").iterdir()) == segments


# ending -------------------------------------------------------------------------------------------------------


def test_closing_finishes_what_was_accepted_and_refuses_the_rest(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.commit(of(born()))
    futures = [store.submit(of(read(number))) for number in range(200)]
    store.close()
    assert [future.result(10).position for future in futures] == list(range(2, 202))
    for refused in (lambda: store.submit(of(read(1))), store.seal, store.snapshot):
        with pytest.raises(Unavailable):
            refused()
    store.close()


def test_closing_in_the_middle_of_everything_leaves_no_waiter(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path, EmbeddedSettings(seal_rows=20, snapshot_rows=40))
    store.commit(workload.first_commit())
    futures: list[Future[Receipt]] = []

    def write() -> None:
        for number in range(10_000):
            try:
                futures.append(store.submit(of(read(number, entity=workload.SHARED))))
            except Unavailable:
                return

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(futures) < 100:
        pass
    store.close()
    for thread in threads:
        thread.join(10)
    positions = sorted(future.result(10).position for future in futures)
    assert positions == list(range(2, len(futures) + 2))
    store = EmbeddedStore(tmp_path)
    assert store.state.position == len(futures) + 1
    store.close()


def test_a_waiter_that_gave_up_harms_nobody(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.commit(of(born()))
    futures = [store.submit(of(read(number))) for number in range(100)]
    given_up = [future for future in futures[1::2] if future.cancel()]
    receipts = [future.result(10) for future in futures if future not in given_up]
    assert [receipt.position for receipt in receipts] == list(range(2, len(receipts) + 2))
    assert store.commit(of(read(7))).position == len(receipts) + 2
    store.close()


def test_a_commit_that_meets_a_defect_does_not_take_others_along(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.commit(of(born()))
    broken = ChangesBuilder()
    broken.add(BUS, SPEED, form=Form.TEXT, text="half of a pair: \ud800")
    with store.state.lock:  # so that the next commits come as one group
        waiting = store.submit(of(read(1)))
        futures = [store.submit(of(read(2))), store.submit(Commit(broken.build(), "a", "b")), store.submit(of(read(3)))]
    assert waiting.result(10).position == 2
    assert [futures[0].result(10).position, futures[2].result(10).position] == [3, 4]
    with pytest.raises(ZhichengError):
        futures[1].result(10)
    assert speed(store) == 3
    store.close()


def test_a_listener_that_fails_stops_nothing(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    seen: list[int] = []
    store.listen(lambda batch: seen.append(1 // 0))
    store.listen(lambda batch: seen.append(int(batch.position[-1])))
    assert store.commit(of(born())).position == 1
    store.close()
    assert seen == [1]


# damage -------------------------------------------------------------------------------------------------------


def test_what_a_crash_left_behind_is_cleared_away(tmp_path: Path) -> None:
    flips.build(tmp_path)
    kept = {path for path in tmp_path.rglob("*") if path.is_file() and path.name != "lock"}
    strays = [
        tmp_path / "segments" / "000000000122-000000000130.parquet",
        tmp_path / "segments" / "000000000122-000000000130.parquet.1.partial",
        tmp_path / "snapshots" / "000000000099.state",
        tmp_path / "blobs" / "ab" / ("ab" * 32 + ".1.partial"),
        tmp_path / "tables" / "timetable" / "000002-00.parquet.1.partial",
    ]
    for stray in strays:
        stray.parent.mkdir(exist_ok=True)
        stray.write_bytes(b"half")
    EmbeddedStore(tmp_path).close()
    assert not [stray for stray in strays if stray.exists()]
    assert kept <= set(tmp_path.rglob("*"))


def test_a_correction_that_needs_a_damaged_segment_stops_the_store_loudly(tmp_path: Path) -> None:
    store = EmbeddedStore(tmp_path)
    store.commit(of(born(), read(1)))
    store.seal()
    store.close()
    flips.flip(min((tmp_path / "segments").iterdir()), random.Random(1))
    store = EmbeddedStore(tmp_path)
    assert speed(store) == 1, "the snapshot is sound"
    with pytest.raises(Corrupt):
        store.history(HistoryQuery((BUS,)))
    builder = ChangesBuilder()
    builder.add(BUS, SPEED, act=Act.CORRECT, form=Form.NUMBER, number=2.0, target=(1 << 20) + 2)
    with pytest.raises(StorageFailed):
        store.submit(Commit(builder.build(), "tester", "test")).result(10)
    with pytest.raises(StorageFailed):
        store.commit(of(read(3)))
    assert speed(store) == 1
    store.close()


def test_scrubbing_names_what_is_damaged(tmp_path: Path) -> None:
    flips.build(tmp_path)
    store = EmbeddedStore(tmp_path)
    assert store.verify() == []
    damaged = [min(tmp_path.glob(f"{kind}/**/*.*")) for kind in ("segments", "snapshots", "tables")]
    damaged.append(next(path for path in tmp_path.glob("blobs/*/*")))
    for path in damaged:
        flips.flip(path, random.Random(2))
    found = " ".join(error.en for error in store.verify())
    assert all(path.name in found for path in damaged), found
    store.close()


def test_erased_content_is_in_no_file_and_no_past(tmp_path: Path) -> None:
    secret = "身份证 " + "4501031990" * 3
    moments = iter(range(workload.START, workload.START + 10**9, 10**6))
    store = EmbeddedStore(tmp_path, clock=lambda: next(moments))
    builder = ChangesBuilder()
    builder.add(BUS, SPEED, act=Act.SET, form=Form.TEXT, text=secret)
    private = builder.build()
    then = store.commit(of(born(), read(1))).recorded_at
    then = store.commit(Commit(private, "tester", "test")).recorded_at
    store.seal()
    store.snapshot()
    store.commit(Commit(private.take(slice(None)), "tester", "test"))
    order = ChangesBuilder()
    order.add(BUS, SPEED, act=Act.ERASE, kind=Kind.PROPERTY)
    store.commit(Commit(order.build(), "tester", "test"))
    for again in range(2):
        assert SPEED not in store.entity(BUS).attributes  # type: ignore[union-attr]  # it exists
        assert secret not in repr(workload.rows_of(store.tail(0).changes))
        past = objects(store.as_of(then, then)).get(BUS)
        assert past is None or secret not in repr(past)
        store.close()
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
        if not again:
            store = EmbeddedStore(tmp_path)
