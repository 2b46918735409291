"""A Merkle tree over a list that only grows (RFC 9162 section 2.1; the same tree as RFC 6962, SHA-256).

Nodes are named by level and number: (0, i) is leaf i, (k, i) covers leaves i * 2**k to (i + 1) * 2**k - 1. A node is
complete once all its leaves are there and never changes after that, so complete nodes are stored once, in the order in
which they come to be; every root and proof is made of a few of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from zhicheng.kernel.errors import Invalid

Read = Callable[[int, int], bytes]
"""Gives the hash of a complete node by level and number."""
EMPTY_ROOT = hashlib.sha256(b"").digest()
_LEAF, _NODE = hashlib.sha256(b"\x00"), b"\x01"


def leaf_hash(record: bytes) -> bytes:
    """The hash of a leaf.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    found = _LEAF.copy()
    found.update(record)
    return found.digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two others."""
    return hashlib.sha256(_NODE + left + right).digest()


def place(level: int, number: int) -> int:
    """Where a complete node stands among all of them, in the order in which they come to be.

    >>> [place(*node) for node in ((0, 0), (0, 1), (1, 0), (0, 2), (0, 3), (1, 1), (2, 0))]
    [0, 1, 2, 3, 4, 5, 6]
    """
    last = ((number + 1) << level) - 1
    return complete_nodes(last) + level


def complete_nodes(size: int) -> int:
    """How many complete nodes, leaves among them, a tree of so many leaves has.

    >>> [complete_nodes(size) for size in range(5)]
    [0, 1, 3, 4, 7]
    """
    return 2 * size - size.bit_count()


def peaks(size: int) -> list[tuple[int, int]]:
    """The complete nodes that together cover a tree, from the left.

    >>> peaks(6)
    [(2, 0), (1, 2)]
    """
    found = []
    start = 0
    for level in range(size.bit_length() - 1, -1, -1):
        if size >> level & 1:
            found.append((level, start >> level))
            start += 1 << level
    return found


@dataclass(slots=True)
class Frontier:
    """All that is needed to append: the size, and the hashes of the peaks, highest first."""

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> list[bytes]:
        """Take a leaf's hash; gives the nodes that became complete, in order: the leaf, then those above it."""
        made = [leaf]
        size = self.size
        while size & 1:
            leaf = node_hash(self.hashes.pop(), leaf)
            made.append(leaf)
            size >>= 1
        self.hashes.append(leaf)
        self.size += 1
        return made

    def extend(self, records: Iterable[bytes]) -> list[bytes]:
        """Take records; gives every node that became complete, in order."""
        return [node for record in records for node in self.append(leaf_hash(record))]

    @property
    def root(self) -> bytes:
        """The hash of the whole tree."""
        return _folded(self.hashes) if self.hashes else EMPTY_ROOT

    def copy(self) -> Frontier:
        """One that grows apart from this one."""
        return Frontier(self.size, list(self.hashes))


def _folded(hashes: Sequence[bytes]) -> bytes:
    """Peaks joined from the right."""
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def _within(start: int, end: int, read: Read) -> bytes:
    """The hash over leaves start to end, where start is where a node of that width begins."""
    return _folded([read(level, number + (start >> level)) for level, number in peaks(end - start)])


def root_of(size: int, read: Read) -> bytes:
    """The root of the first so many leaves."""
    return _within(0, size, read) if size else EMPTY_ROOT


def _split(width: int) -> int:
    """The largest power of two below a width of two or more."""
    return 1 << (width - 1).bit_length() - 1


def inclusion(index: int, size: int, read: Read) -> list[bytes]:
    """The proof that leaf `index` is in the tree of the first `size` leaves (RFC 9162 2.1.3.1)."""
    if not 0 <= index < size:
        raise Invalid(f"There is no entry {index} among {size}", f"{size} 条记录中没有第 {index} 条")
    proof = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_within(middle, end, read))
            end = middle
        else:
            proof.append(_within(start, middle, read))
            start = middle
    return proof[::-1]


def consistency(first: int, second: int, read: Read) -> list[bytes]:
    """The proof that the tree of `first` leaves is the beginning of that of `second` (RFC 9162 2.1.4.1)."""
    if not 0 < first <= second:
        raise Invalid(
            f"A proof leads from a smaller tree to a larger one, not from {first} to {second}",
            f"一致性证明须从较小的树到较大的树，不能从 {first} 到 {second}",
        )
    proof = []
    start, end, whole = 0, second, True
    while end > first:
        middle = start + _split(end - start)
        if first <= middle:
            proof.append(_within(middle, end, read))
            end = middle
        else:
            proof.append(_within(start, middle, read))
            start, whole = middle, False
    if not whole:
        proof.append(_within(start, end, read))
    return proof[::-1]


def included(record_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof shows that a leaf is in a tree (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, record_hash
    for step in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistent(first: int, second: int, proof: Sequence[bytes], old: bytes, new: bytes) -> bool:
    """Whether a proof shows that one tree is the beginning of another (RFC 9162 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and old == new
    steps = list(proof) if first & (first - 1) else [old, *proof]
    if not steps:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, step)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old and after == new
