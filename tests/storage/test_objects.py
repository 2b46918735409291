"""Blobs and reference tables: kept whole, given back checked, named safely."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel.errors import Corrupt, Invalid, NotFound
from zhicheng.storage.engines.embedded.store import EmbeddedStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    opened = EmbeddedStore(tmp_path / "tenant")
    yield opened
    opened.close()


def files(store: EmbeddedStore, kind: str) -> list[Path]:
    return [path for path in (store.folder / kind).rglob("*") if path.is_file()]


@pytest.mark.parametrize("content", [b"", b"\0", b"photo" * 1000, bytes(range(256)) * 4096])
def test_a_blob_comes_back_under_its_sha_256(store: EmbeddedStore, content: bytes) -> None:
    digest = store.put_blob(content)
    assert digest == hashlib.sha256(content).hexdigest()
    assert store.blob(digest) == content
    assert store.put_blob(content) == digest and len(files(store, "blobs")) == 1


HOSTILE = [
    "", "..", "../" * 20 + "etc/passwd", "/etc/passwd", "../" + "a" * 61, "a" * 62 + "/.", ".." + "a" * 62,
    "a" * 63, "a" * 65, "A" * 64, "g" * 64, "\0" + "a" * 63, "a" * 63 + "\n", "ａ" * 64, "１" * 64,
]  # fmt: skip


@pytest.mark.parametrize("digest", HOSTILE)
def test_what_is_no_digest_names_no_file(store: EmbeddedStore, digest: str) -> None:
    with pytest.raises(Invalid, match="SHA-256") as caught:
        store.blob(digest)
    assert caught.value.zh


@given(digest=st.text(max_size=80))
def test_no_text_reaches_beyond_the_blobs(digest: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = EmbeddedStore(tmp_path_factory.mktemp("tenant"))
    try:
        with pytest.raises((Invalid, NotFound)):
            store.blob(digest)
    finally:
        store.close()


def test_a_blob_that_is_not_there(store: EmbeddedStore) -> None:
    with pytest.raises(NotFound):
        store.blob("0" * 64)


def test_a_damaged_blob_is_not_served_and_is_mended_by_the_same_content(store: EmbeddedStore) -> None:
    digest = store.put_blob(b"photo of a street lamp")
    (path,) = files(store, "blobs")
    for broken in (b"photo of a street lamq", b"", b"photo of a street lamp "):
        path.write_bytes(broken)
        with pytest.raises(Corrupt):
            store.blob(digest)
        assert [type(error) for error in store.verify()] == [Corrupt]
        store.put_blob(b"photo of a street lamp")
        assert store.blob(digest) == b"photo of a street lamp" and not store.verify()


def test_many_hands_put_the_same_blob(store: EmbeddedStore) -> None:
    found: list[object] = []

    def put() -> None:
        for number in range(20):
            try:
                found.append(store.put_blob(b"%d" % number * 500))
            except Exception as error:  # noqa: BLE001  (told by the main thread)
                found.append(error)

    threads = [threading.Thread(target=put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 120 and len(set(found)) == 20, [item for item in found if not isinstance(item, str)][:3]
    assert len(files(store, "blobs")) == 20


# reference tables ---------------------------------------------------------------------------------------------


def numbers(*values: int) -> dict[str, pa.Table]:
    return {"stops": pa.table({"id": list(values)}), "routes": pa.table({"name": ["一号线"]})}


def test_versions_of_reference_tables(store: EmbeddedStore) -> None:
    assert store.put_table("gtfs", numbers(1)) == 1
    assert store.put_table("gtfs", numbers(2)) == 2
    assert store.put_table("roads", numbers(3)) == 1
    assert store.tables("gtfs")["stops"].column("id").to_pylist() == [2]
    assert store.tables("gtfs", 1)["stops"].column("id").to_pylist() == [1]
    assert list(store.tables("roads")) == ["stops", "routes"]
    assert store.tables("roads")["routes"].column("name").to_pylist() == ["一号线"]
    for name, version in (("gtfs", 3), ("gtfs", 0), ("gtfs", -1), ("none", None)):
        with pytest.raises(NotFound):
            store.tables(name, version)


def test_versions_go_on_after_reopening(tmp_path: Path) -> None:
    for version in (1, 2, 3):
        store = EmbeddedStore(tmp_path)
        assert store.put_table("gtfs", numbers(version)) == version
        store.close()


@pytest.mark.parametrize("name", ["", "..", "a/b", "/a", "a b", "a\0", "路网", ".", "-", "a.b", "a\n"])
def test_names_that_could_be_paths_are_refused(store: EmbeddedStore, name: str) -> None:
    with pytest.raises(Invalid):
        store.put_table(name, numbers(1))
    assert not files(store, "tables")


def test_no_tables_are_no_version(store: EmbeddedStore) -> None:
    with pytest.raises(Invalid):
        store.put_table("gtfs", {})
    assert store.put_table("gtfs", numbers(1)) == 1


def test_hands_that_put_the_same_name_get_different_versions(store: EmbeddedStore) -> None:
    found: list[int] = []

    def put(start: int) -> None:
        for number in range(start, start + 5):
            version = store.put_table("gtfs", numbers(number))
            assert store.tables("gtfs", version)["stops"].column("id").to_pylist() == [number]
            found.append(version)

    threads = [threading.Thread(target=put, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 16))


def test_a_damaged_table_is_not_served(store: EmbeddedStore) -> None:
    store.put_table("gtfs", numbers(1))
    path = min(files(store, "tables"))
    path.write_bytes(path.read_bytes()[:-4] + b"PAR2")
    with pytest.raises(Corrupt):
        store.tables("gtfs")
    path.unlink()
    with pytest.raises(Corrupt, match="missing"):
        store.tables("gtfs")
