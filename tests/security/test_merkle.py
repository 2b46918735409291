"""The tree against the RFC's definition, written as plainly as there, and every proof of every small tree."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel.errors import Invalid
from zhicheng.security import merkle
from zhicheng.security.merkle import Frontier

MOST = 70
RECORDS = [str(number).encode() for number in range(MOST)]


def plain_root(records: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 2.1, word by word."""
    if not records:
        return hashlib.sha256(b"").digest()
    if len(records) == 1:
        return hashlib.sha256(b"\x00" + records[0]).digest()
    split = 1
    while split * 2 < len(records):
        split *= 2
    return hashlib.sha256(b"\x01" + plain_root(records[:split]) + plain_root(records[split:])).digest()


@pytest.fixture(scope="module")
def stored() -> list[bytes]:
    return Frontier().extend(RECORDS)


def reader(stored: list[bytes]) -> merkle.Read:
    return lambda level, number: stored[merkle.place(level, number)]


def test_roots_of_the_test_vectors_of_certificate_transparency() -> None:
    leaves = [bytes.fromhex(text) for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )]  # fmt: skip
    roots = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    frontier = Frontier()
    for leaf in leaves:
        frontier.extend([leaf])
        if frontier.size in roots:
            assert frontier.root.hex() == roots[frontier.size]


@pytest.mark.parametrize("size", range(MOST))
def test_root_is_the_definition(size: int, stored: list[bytes]) -> None:
    frontier = Frontier()
    made = frontier.extend(RECORDS[:size])
    assert frontier.root == plain_root(RECORDS[:size]) == merkle.root_of(size, reader(stored))
    assert made == stored[: merkle.complete_nodes(size)]


def test_every_leaf_is_proven_and_no_other(stored: list[bytes]) -> None:
    for size in range(1, MOST):
        root = plain_root(RECORDS[:size])
        for index in range(size):
            proof = merkle.inclusion(index, size, reader(stored))
            leaf = merkle.leaf_hash(RECORDS[index])
            assert merkle.included(leaf, index, size, proof, root)
            assert len(proof) <= (size - 1).bit_length()
            assert not merkle.included(merkle.leaf_hash(b"x"), index, size, proof, root)
            assert not merkle.included(leaf, index + 1, size, proof, root)
            assert not merkle.included(leaf, index, size, [*proof, root], root)
            assert not proof or not merkle.included(leaf, index, size, proof[:-1], root)


def test_every_beginning_is_proven_and_no_other(stored: list[bytes]) -> None:
    for second in range(1, MOST):
        new = plain_root(RECORDS[:second])
        for first in range(1, second + 1):
            old = plain_root(RECORDS[:first])
            proof = merkle.consistency(first, second, reader(stored))
            assert merkle.consistent(first, second, proof, old, new)
            assert not merkle.consistent(first, second, proof, hashlib.sha256(old).digest(), new)
            assert not merkle.consistent(first, second, proof, old, hashlib.sha256(new).digest())
            assert not merkle.consistent(first, second, [*proof, new], old, new)


@given(st.integers(1, 10**12), st.data())
def test_a_proof_reads_few_nodes_however_large_the_tree(size: int, data: st.DataObject) -> None:
    read: list[tuple[int, int]] = []

    def look(level: int, number: int) -> bytes:
        assert (number + 1) << level <= size, "only complete nodes are stored"
        read.append((level, number))
        return bytes(32)

    merkle.inclusion(data.draw(st.integers(0, size - 1)), size, look)
    assert len(read) <= 2 * size.bit_length()
    read.clear()
    merkle.consistency(data.draw(st.integers(1, size)), size, look)
    assert len(read) <= 3 * size.bit_length()


def test_what_cannot_be_proven_is_refused(stored: list[bytes]) -> None:
    for index, size in ((3, 3), (-1, 3)):
        with pytest.raises(Invalid):
            merkle.inclusion(index, size, reader(stored))
        assert not merkle.included(bytes(32), index, size, [], bytes(32))
    for first, second in ((0, 3), (4, 3)):
        with pytest.raises(Invalid):
            merkle.consistency(first, second, reader(stored))
        assert not merkle.consistent(first, second, [], bytes(32), bytes(32))
