#!/usr/bin/env python3
"""Checks a log of acts (the folder `audit`) and proofs from it, with nothing but this file and Python 3.9.

    python verify.py FOLDER [--key PUBLIC_KEY_HEX] [--head SAVED_HEAD.json]
    python verify.py --proof PROOF.json [--key PUBLIC_KEY_HEX]

Every line is read: entries are hashed into a Merkle tree (RFC 9162, SHA-256), every tree head between them must say
what tree they make, every signed head must be signed (Ed25519) by a key that the log names. `--key` says which key the
log must begin with; without it the key is printed, to be compared by other means. `--head` is a head saved earlier: the
log must still contain that very tree, so that nothing can have been taken from its end. Exit status: 0 all is well,
1 something is not, 2 misused. With the package `cryptography` signatures are checked quickly, without it slowly.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

Point = tuple[int, int, int, int]
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?Z"
HEAD = re.compile(
    rb'\{"head":\{(?:"at":"(' + TIME.encode() + rb')","key":"([0-9a-f]{16})",)?"root":"([0-9a-f]{64})",'
    rb'(?:"signature":"([0-9a-f]{128})",)?"size":(0|[1-9][0-9]*)\}\}'
)
OPENING = re.compile(
    rb'\{"audit":1,"first":(0|[1-9][0-9]*),"frontier":\[((?:"[0-9a-f]{64}"(?:,"[0-9a-f]{64}")*)?)\],'
    rb'"origin":"([0-9a-f]{32})"\}'
)


class Wrong(Exception):
    """What is not as it must be."""


def sha(content: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(content).digest()


def join(left: bytes, right: bytes) -> bytes:
    """The hash of a node over two others."""
    return sha(b"\x01" + left + right)


# Ed25519 (RFC 8032, section 6): only checking, for where `cryptography` is not installed

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a: Point, b: Point) -> Point:
    """The sum of two points of the curve."""
    one, two = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    three, four = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = two - one, four - three, four + three, two + one
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    """A point so many times."""
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point, number = add(point, point), number >> 1
    return result


def point_of(content: bytes) -> Point | None:
    """The point that 32 bytes stand for; None where they stand for none."""
    y = int.from_bytes(content, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (not x and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE: Any = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def plainly_signed(public: bytes, signature: bytes, text: bytes) -> bool:
    """The same in plain Python: a few milliseconds each."""
    key, nonce = point_of(public), point_of(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or nonce is None or scalar >= Q:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % Q
    left, right = times(scalar, BASE), add(nonce, times(challenge, key))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


def signed(public: bytes, signature: bytes, text: bytes) -> bool:
    """Whether an Ed25519 signature is right."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return plainly_signed(public, signature, text)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except (InvalidSignature, ValueError):
        return False
    return True


def head_text(origin: str, size: int, root: str, at: str) -> bytes:
    """What the signature of a head is over."""
    return f"zhicheng-audit-v1\n{origin}\n{size}\n{root}\n{at}\n".encode()


class Log:
    """What was read so far: the tree's size and peaks, the keys that may sign, and what is worth saying."""

    def __init__(self, key: bytes | None = None, saved: dict[str, Any] | None = None) -> None:
        self.size, self.origin, self.key, self.saved = 0, "", key, saved
        self.peaks: list[bytes] = []
        self.keys: dict[str, bytes] = {}
        self.first, self.heads, self.covered, self.last = 0, 0, 0, ""

    def root(self) -> bytes:
        """The hash of the tree so far."""
        if not self.peaks:
            return sha(b"")
        found = self.peaks[-1]
        for left in reversed(self.peaks[:-1]):
            found = join(left, found)
        return found

    def file(self, content: bytes, begins: bool) -> None:
        """One file of the log; `begins`: whether it is the first that is at hand."""
        lines = content.split(b"\n")
        if lines.pop() != b"":
            raise Wrong("the last line has no end")
        if not lines:
            raise Wrong("the file is empty")
        self.open(lines[0], begins)
        for number, line in enumerate(lines[1:], 2):
            try:
                self.line(line)
            except Wrong as error:
                raise Wrong(f"line {number}: {error}") from None
        if len(lines) > 1 and not HEAD.fullmatch(lines[-1]):
            raise Wrong("it does not end with a tree head")

    def open(self, line: bytes, begins: bool) -> None:
        """The first line: which log it is, and the tree before its first entry."""
        found = OPENING.fullmatch(line)
        if not found:
            raise Wrong("line 1: not the opening of a log of acts")
        peaks = [bytes.fromhex(text.decode().strip('"')) for text in found[2].split(b",")] if found[2] else []
        origin, size = found[3].decode(), int(found[1])
        if begins:
            if len(peaks) != bin(size).count("1"):
                raise Wrong("line 1: its frontier does not fit its size")
            self.origin, self.first, self.size, self.covered, self.peaks = origin, size, size, size, peaks
        elif (origin, size, peaks) != (self.origin, self.size, self.peaks):
            raise Wrong("line 1: it does not go on where the file before it ended")

    def line(self, line: bytes) -> None:
        """An entry or a head."""
        if line.startswith(b'{"action":'):
            self.entry(line)
            return
        found = HEAD.fullmatch(line)
        if not found or (found[1] is None) != (found[4] is None):
            raise Wrong("neither an entry nor a tree head")
        size, root = int(found[5]), bytes.fromhex(found[3].decode())
        if size != self.size or root != self.root():
            raise Wrong("the entries before it do not make the tree that it says")
        if found[1] is not None:
            self.check(found[1].decode(), found[2].decode(), found[4].decode(), size, root)
            self.heads, self.covered, self.last = self.heads + 1, size, found[1].decode()

    def check(self, at: str, key: str, signature: str, size: int, root: bytes) -> None:
        """A head's signature by a key that the log names (or, in a log whose beginning is gone, by the given key)."""
        if key not in self.keys and self.key and sha(self.key).hex()[:16] == key:
            self.keys[key] = self.key
        if key not in self.keys:
            raise Wrong("it is signed by a key that was not named before: " + key)
        text = head_text(self.origin, size, root.hex(), at)
        if not signed(self.keys[key], bytes.fromhex(signature), text):
            raise Wrong("its signature is wrong")

    def entry(self, line: bytes) -> None:
        """A leaf of the tree."""
        leaf, size = sha(b"\x00" + line), self.size
        while size & 1:
            leaf, size = join(self.peaks.pop(), leaf), size >> 1
        self.peaks.append(leaf)
        self.size += 1
        if self.saved and self.saved["size"] == self.size and self.saved["root"] != self.root().hex():
            raise Wrong("the saved head says that there was another tree here")
        if b'"kind":"key"' in line:
            self.name(line)

    def name(self, line: bytes) -> None:
        """An entry that names a key: the first one, or one endorsed by a key that was named before."""
        entry = json.loads(line.decode())
        if entry.get("kind") != "key":
            return
        facts = entry["facts"]
        public = bytes.fromhex(facts["public"])
        if not self.keys:
            if self.key and public != self.key:
                raise Wrong("the log begins with another key than the given one: " + facts["public"])
        else:
            text = f"zhicheng-audit-key-v1\n{self.origin}\n{public.hex()}\n"
            old = self.keys.get(facts.get("previous", ""))
            if old is None or not signed(old, bytes.fromhex(facts["endorsement"]), text.encode()):
                raise Wrong("it names a key that no earlier key endorses")
        self.keys[sha(public).hex()[:16]] = public


def included(proof: dict[str, Any], key: bytes) -> None:
    """A proof that an entry is in the log: the signature of its head, then the way from the entry to the root."""
    head, record = proof["head"], proof["record"].encode()
    text = head_text(proof["origin"], head["size"], head["root"], head["at"])
    if not signed(key, bytes.fromhex(head["signature"]), text):
        raise Wrong("the head is not signed by the given key")
    at, last, found = proof["index"], head["size"] - 1, sha(b"\x00" + record)
    if not 0 <= at <= last:
        raise Wrong("there is no such entry in that tree")
    for step in map(bytes.fromhex, proof["proof"]):
        if at & 1 or at == last:
            found = join(step, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = join(found, step)
        at, last = at >> 1, last >> 1
    if last or found.hex() != head["root"]:
        raise Wrong("the proof does not lead from the entry to the root")


def read(folder: Path, log: Log) -> None:
    """All files of a log, in order."""
    files = sorted(folder.glob("*.log")) if folder.is_dir() else [folder]
    if not files:
        raise Wrong("there is no log here")
    for number, path in enumerate(files):
        try:
            log.file(path.read_bytes(), number == 0)
        except Wrong as error:
            raise Wrong(f"{path.name}: {error}") from None
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise Wrong(f"{path.name}: it cannot be read ({error!r})") from None
    if log.saved and log.saved["size"] > log.size:
        raise Wrong(f"the saved head had {log.saved['size']} entries, here are {log.size}")


def main(words: list[str] | None = None) -> int:
    """Check what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--key", type=bytes.fromhex)
    parser.add_argument("--head", type=lambda name: json.loads(Path(name).read_text()))
    parser.add_argument("--proof", type=lambda name: json.loads(Path(name).read_text()))
    asked = parser.parse_args(words)
    if (asked.folder is None) == (asked.proof is None) or (asked.proof and not asked.key):
        parser.error("name a folder, or a proof and the key it is to be checked with")
    try:
        if asked.proof:
            included(asked.proof, asked.key)
            print(f"OK: entry {asked.proof['index']} is in the log of {asked.proof['head']['size']} entries")
            return 0
        log = Log(asked.key, asked.head)
        read(asked.folder, log)
    except Wrong as error:
        print(f"WRONG: {error}")
        return 1
    print(f"OK: {log.size} entries, {log.heads} signed heads, the last at {log.last or '-'}")
    if log.first:
        print(f"the log begins at entry {log.first}: earlier ones are no longer kept")
    print(f"entries after the last signed head: {log.size - log.covered}")
    print("keys:", *(f"{name} {public.hex()}" for name, public in log.keys.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
