"""The stand-alone verifier finds whatever was done to a stored log, and says yes to what was not touched."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.audit.acts import SMALL, entry, log_of
from zhicheng.hub.audit import verifier
from zhicheng.hub.audit.journal import Journal
from zhicheng.security.heads import SigningKey
from zhicheng.server.audit_key import KeyFile, open_journal, rotate

TRIALS = 10_000
PROGRAM = Path(verifier.__file__)


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((folder / "audit").glob("*.log"))]


def said_to_be_whole(files: list[bytes], key: bytes | None = None, saved: dict[str, object] | None = None) -> bool:
    log = verifier.Log(key, saved)
    try:
        for number, content in enumerate(files):
            log.file(content, number == 0)
    except (verifier.Wrong, KeyError, ValueError, TypeError, AttributeError):
        return False
    return saved is None or not int(str(saved["size"])) > log.size


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], bytes]:
    """A log of three files, with a key that was replaced."""
    folder = tmp_path_factory.mktemp("log")
    journal = log_of(folder, 18)
    rotate(journal, KeyFile(folder / "audit.key"), "security")
    journal.log(entry(99))
    journal.ledger.close()
    files = contents(folder)
    assert len(files) == 3
    first = json.loads(files[0].split(b"\n")[1])
    return files, bytes.fromhex(first["facts"]["public"])


def changed(files: list[bytes], dice: random.Random) -> list[bytes]:
    """One byte of one file changed, removed or put in."""
    number = dice.choices(range(len(files)), [len(content) for content in files])[0]
    content = bytearray(files[number])
    place = dice.randrange(len(content))
    what = dice.randrange(3)
    if what == 0:
        content[place] ^= dice.randrange(1, 256)
    elif what == 1:
        del content[place]
    else:
        content.insert(place + dice.randrange(2), dice.randrange(256))
    return [*files[:number], bytes(content), *files[number + 1 :]]


def test_any_single_byte_changed_removed_or_put_in_is_found(stored: tuple[list[bytes], bytes]) -> None:
    files, key = stored
    assert said_to_be_whole(files, key)
    dice = random.Random(20261128)
    for trial in range(TRIALS):
        touched = changed(files, dice)
        if touched != files:  # a byte put in or removed beside its like changes nothing
            assert not said_to_be_whole(touched, key), trial


def test_lines_taken_out_put_in_or_exchanged_are_found(stored: tuple[list[bytes], bytes]) -> None:
    files, key = stored
    lines = files[0].split(b"\n")
    for place in range(len(lines) - 2):
        without = b"\n".join(lines[:place] + lines[place + 1 :])
        twice = b"\n".join(lines[: place + 1] + lines[place:])
        assert not said_to_be_whole([without, *files[1:]], key) or lines[place].startswith(b'{"head"')
        assert not said_to_be_whole([twice, *files[1:]], key) or lines[place].startswith(b'{"head"')
    assert not said_to_be_whole([files[0], files[2]], key)
    assert not said_to_be_whole(files[::-1], key)


def test_what_is_cut_off_at_the_end_is_found_by_a_head_that_was_saved(tmp_path: Path) -> None:
    journal = log_of(tmp_path, 10)
    saved = journal.head()
    journal.ledger.close()
    files = contents(tmp_path)
    assert said_to_be_whole(files, saved=saved)
    assert said_to_be_whole(files[:1]) and not said_to_be_whole(files[:1], saved=saved)


def test_another_key_cannot_take_over(tmp_path: Path) -> None:
    journal = log_of(tmp_path, 3)
    key = KeyFile(tmp_path / "audit.key").current().public
    KeyFile(tmp_path / "audit.key").make()
    journal.announce(SigningKey(bytes(32)), "eve")
    journal.ledger.close()
    assert not said_to_be_whole(contents(tmp_path), key)


def test_a_log_written_anew_has_another_key(tmp_path: Path) -> None:
    log_of(tmp_path / "a", 2).ledger.close()
    log_of(tmp_path / "b", 2).ledger.close()
    mine = KeyFile(tmp_path / "a" / "audit.key").current().public
    assert said_to_be_whole(contents(tmp_path / "a"), mine)
    assert not said_to_be_whole(contents(tmp_path / "b"), mine)


def test_it_runs_alone_and_tells(tmp_path: Path) -> None:
    journal = log_of(tmp_path, 5)
    proof = journal.inclusion(3)
    journal.ledger.close()
    program, document = tmp_path / "verify.py", tmp_path / "proof.json"
    program.write_bytes(PROGRAM.read_bytes())
    document.write_text(json.dumps(proof))
    key = KeyFile(tmp_path / "audit.key").current().public.hex()

    def run(*words: object) -> tuple[int, str]:
        command = [sys.executable, "-I", str(program), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    status, said = run(tmp_path / "audit", "--key", key)
    assert status == 0 and said.startswith("OK: 6 entries") and key in said
    assert run("--proof", document, "--key", key)[0] == 0
    document.write_text(json.dumps({**proof, "record": str(proof["record"]).replace("clerk", "clork")}))
    assert run("--proof", document, "--key", key) == (1, "WRONG: the proof does not lead from the entry to the root\n")
    assert run(tmp_path / "audit", "--key", "00" * 32)[0] == 1
    assert run()[0] == 2


def test_signatures_are_checked_the_same_without_the_library() -> None:
    key, dice = SigningKey(bytes(range(32))), random.Random(1)
    for _ in range(20):
        text = dice.randbytes(dice.randrange(100))
        signature = key.sign(text)
        assert verifier.plainly_signed(key.public, signature, text)
        wrong = bytearray(signature)
        wrong[dice.randrange(64)] ^= 1 << dice.randrange(8)
        assert not verifier.plainly_signed(key.public, bytes(wrong), text)
        assert not verifier.plainly_signed(key.public, signature, text + b"x")


def test_a_log_whose_beginning_expired_is_checked_with_its_key(tmp_path: Path) -> None:
    journal = log_of(tmp_path, 30)
    key = KeyFile(tmp_path / "audit.key").current().public
    assert journal.ledger.expire(2**62) > 0
    journal.ledger.close()
    assert said_to_be_whole(contents(tmp_path), key)
    reopened: Journal = open_journal(tmp_path, SMALL)
    assert reopened.ledger.size == 31 and reopened.ledger.first > 0
    (tmp_path / "audit" / "nodes").unlink()
    reopened.ledger.close()
    again = open_journal(tmp_path, SMALL)
    again.log(entry(31))
    assert again.inclusion(31)["index"] == 31
    again.ledger.close()
    assert said_to_be_whole(contents(tmp_path), key)
