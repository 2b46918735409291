"""What stands between the entries in the log of acts: tree heads, and the line that opens a file of it.

These lines have one spelling only, so that no byte of them can change unseen. A head says how many entries there are
and what their tree's root is; signed, also when, and by which key.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zhicheng.security.merkle import Frontier

BEGINNING = b'{"head":'
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?Z"
_HEAD = re.compile(
    rf'\{{"head":\{{(?:"at":"({_TIME})","key":"([0-9a-f]{{16}})",)?"root":"([0-9a-f]{{64}})",'
    rf'(?:"signature":"([0-9a-f]{{128}})",)?"size":(0|[1-9]\d*)\}}\}}',
    re.ASCII,
)
_OPENING = re.compile(
    r'\{"audit":1,"first":(0|[1-9]\d*),"frontier":\[((?:"[0-9a-f]{64}"(?:,"[0-9a-f]{64}")*)?)\],'
    r'"origin":"([0-9a-f]{32})"\}',
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Head:
    """A tree head; `at` (RFC 3339), `key` and `signature` (hex) where it is signed."""

    size: int
    root: bytes
    at: str | None = None
    key: str | None = None
    signature: str | None = None

    def line(self) -> bytes:
        """As it is stored.

        >>> head_of(Head(3, bytes(32)).line()) == Head(3, bytes(32))
        True
        """
        root = f'"root":"{self.root.hex()}",'
        if self.signature is None:
            return f'{{"head":{{{root}"size":{self.size}}}}}'.encode()
        signed = f'"at":"{self.at}","key":"{self.key}",{root}"signature":"{self.signature}",'
        return f'{{"head":{{{signed}"size":{self.size}}}}}'.encode()


@dataclass(frozen=True, slots=True)
class Opening:
    """The first line of a file: which log it belongs to, and the tree before its first entry."""

    origin: str
    frontier: Frontier

    def line(self) -> bytes:
        """As it is stored.

        >>> opening_of(Opening("0" * 32, Frontier()).line()).origin == "0" * 32
        True
        """
        hashes = ",".join(f'"{each.hex()}"' for each in self.frontier.hashes)
        first = self.frontier.size
        return f'{{"audit":1,"first":{first},"frontier":[{hashes}],"origin":"{self.origin}"}}'.encode()


def head_of(line: bytes) -> Head | None:
    """The head that a line holds; None for what is none, to the letter."""
    found = _HEAD.fullmatch(line.decode("ascii", "replace"))
    if not found or (found[1] is None) != (found[4] is None):
        return None
    return Head(int(found[5]), bytes.fromhex(found[3]), found[1], found[2], found[4])


def opening_of(line: bytes) -> Opening | None:
    """The opening that a line holds; None for what is none."""
    found = _OPENING.fullmatch(line.decode("ascii", "replace"))
    if not found:
        return None
    hashes = [bytes.fromhex(each.strip('"')) for each in found[2].split(",")] if found[2] else []
    size = int(found[1])
    return Opening(found[3], Frontier(size, hashes)) if size.bit_count() == len(hashes) else None


def signed_text(origin: str, size: int, root: bytes, at: str) -> bytes:
    """What a head's signature is over."""
    return f"zhicheng-audit-v1\n{origin}\n{size}\n{root.hex()}\n{at}\n".encode()


def endorsed_text(origin: str, public: bytes) -> bytes:
    """What a key signs to name the one that follows it."""
    return f"zhicheng-audit-key-v1\n{origin}\n{public.hex()}\n".encode()


def key_id(public: bytes) -> str:
    """The name of a key: the beginning of its digest."""
    return hashlib.sha256(public).hexdigest()[:16]


class Signer(Protocol):
    """Signs heads."""

    @property
    def id(self) -> str:
        """The key's name."""

    def sign(self, text: bytes) -> bytes:
        """An Ed25519 signature."""


class SigningKey:
    """An Ed25519 key from its 32 secret bytes.

    >>> key = SigningKey(bytes(32))
    >>> verified(key.public, key.sign(b"x"), b"x"), verified(key.public, key.sign(b"x"), b"y")
    (True, False)
    """

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public = self._key.public_key().public_bytes_raw()
        self.id = key_id(self.public)

    def sign(self, text: bytes) -> bytes:
        """The signature."""
        return self._key.sign(text)


def signed(signer: Signer, origin: str, size: int, root: bytes, at: str) -> Head:
    """A signed head."""
    return Head(size, root, at, signer.id, signer.sign(signed_text(origin, size, root, at)).hex())


def verified(public: bytes, signature: bytes, text: bytes) -> bool:
    """Whether the signature is this key's over this text."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)
    except InvalidSignature:
        return False
    return True
