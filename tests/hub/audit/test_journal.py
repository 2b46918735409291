"""The log of acts: durable, found again, proven; through crashes, full disks and several processes at once."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tests.hub.audit.acts import SMALL, START, entry, log_of
from tests.storage.faults.test_disk import unshared
from zhicheng.hub.audit import verifier
from zhicheng.hub.audit.exports import opentelemetry, syslog
from zhicheng.hub.audit.journal import Found, Journal, Search
from zhicheng.kernel.errors import BadConfiguration, Corrupt, Invalid, NotFound, Unavailable
from zhicheng.kernel.instants import DAY
from zhicheng.security import merkle
from zhicheng.security.entries import Act, Entry, Outcome, entry_of
from zhicheng.security.heads import SigningKey
from zhicheng.server.audit_key import KeyFile, open_journal, rotate
from zhicheng.storage.engines.embedded.ledger import EmbeddedLedger, LedgerSettings

ROOT = Path(__file__).resolve().parents[3]


def checked(folder: Path, key: bytes | None = None) -> verifier.Log:
    log = verifier.Log(key)
    verifier.read(folder / "audit", log)
    return log


def test_what_was_logged_is_found_and_proven_after_a_restart(tmp_path: Path) -> None:
    log_of(tmp_path, 40).ledger.close()
    journal = open_journal(tmp_path, SMALL)
    head = journal.ledger.head()
    assert head.size == 41
    for number in range(41):
        record = journal.ledger.record(number)
        proof = [bytes.fromhex(step) for step in journal.inclusion(number)["proof"]]  # type: ignore[attr-defined]  # a list in JSON
        assert merkle.included(merkle.leaf_hash(record), number, head.size, proof, head.root)
    assert journal.entry(7) == entry(6)
    with pytest.raises(NotFound):
        journal.entry(41)
    journal.ledger.close()
    with pytest.raises(Unavailable):
        journal.log(entry(1))
    assert checked(tmp_path).size == 41


def test_an_earlier_log_is_the_beginning_of_a_later_one(tmp_path: Path) -> None:
    journal = log_of(tmp_path, 20)
    for first in range(1, 22):
        found = journal.consistency(first)
        proof = [bytes.fromhex(step) for step in found["proof"]]  # type: ignore[attr-defined]  # a list in JSON
        old, new = bytes.fromhex(str(found["old"])), bytes.fromhex(str(found["new"]))
        assert merkle.consistent(first, 21, proof, old, new)
    with pytest.raises(Invalid):
        journal.consistency(1, 22)
    journal.ledger.close()


def test_search_by_everything_with_pages(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, SMALL)
    for number in range(60):
        one = entry(number, principal='a"b' if number % 3 else "chen")
        journal.log(replace(one, outcome=Outcome.DENIED, kind=Act.REFUSAL, action="x") if number % 10 == 0 else one)
    everything = journal.search(Search(limit=1000)).found
    assert [found.number for found in everything] == list(range(60, -1, -1))
    for asked, wanted in {
        Search(principal="chen"): 20, Search(principal='a"b'): 40, Search(outcome=Outcome.DENIED): 6,
        Search(action="x", principal="chen"): 2, Search(kind=Act.KEY): 1, Search(tenant="other"): 0,
        Search(resource="urn:ngsi-ld:Person:5"): 11, Search(start=START, end=START + 10_000_000): 10,
        Search(start=START + 50_000_000, tenant="nanning"): 10,
    }.items():  # fmt: skip
        pages: list[Found] = []
        page = journal.search(replace(asked, limit=7))
        pages += page.found
        while page.next is not None:
            page = journal.search(replace(asked, limit=7, before=page.next))
            pages += page.found
        assert len(pages) == wanted, asked
        assert pages == journal.search(replace(asked, limit=100)).found
    with pytest.raises(Invalid):
        journal.search(Search(limit=0))
    journal.ledger.close()


@pytest.mark.parametrize("text", ["a\nb", '"}\n{"action":', "\ud800", "\x00\u2028", "x" * 5000, "{}", "张三"])
def test_whatever_a_name_contains_it_is_one_line(tmp_path: Path, text: str) -> None:
    journal = open_journal(tmp_path, SMALL)
    made = Entry(START, Act.REFUSAL, text, Outcome.DENIED, text, text, text, text, text, text, text, {text: text})
    number = journal.log(made)
    line = journal.ledger.record(number)
    assert line == made.line() and b"\n" not in line and len(line) < 20_000
    found = Found(number, journal.entry(number))
    exported = syslog(found, text)
    assert exported.isprintable() and exported.count("[acts@") == 1 and exported.endswith("]")
    assert orjson.loads(opentelemetry([found], "host"))["resourceLogs"]
    journal.ledger.close()
    assert checked(tmp_path).size == 2
    assert entry_of(line).principal == found.entry.principal


def test_only_entries_are_taken(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, SMALL)
    for record in (b"", b"x", b'{"head":{}}', b'{"action":1}\n', b'{"action":'):
        with pytest.raises(Invalid):
            journal.ledger.submit(record)
    journal.ledger.close()


def test_a_head_is_signed_in_time_with_nobody_asking(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, LedgerSettings(sign_every=50_000, head_every=100_000))
    journal.log(entry(1))
    time.sleep(0.5)
    path = tmp_path / "audit" / "00000001.log"
    signed = [line for line in path.read_bytes().split(b"\n") if b'"signature"' in line and b'"size":2' in line]
    assert len(signed) >= 3, "one soon after the entry, then one each interval"
    journal.ledger.close()


def test_who_stops_waiting_stops_nobody_else(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    waiting = [journal.submit(entry(number)) for number in range(300)]
    taken_back = [future.cancel() for future in waiting]
    assert journal.log(entry(999)) > 0
    kept = [future.result() for future, back in zip(waiting, taken_back, strict=True) if not back]
    assert journal.ledger.size == len(kept) + 2 and any(taken_back)

    async def gives_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(journal.logged(entry(1)), 0)
        await asyncio.gather(*(journal.logged(entry(number)) for number in range(50)))

    asyncio.run(gives_up())
    journal.ledger.close()
    checked(tmp_path)


def test_no_head_is_signed_by_a_key_before_the_log_names_it(tmp_path: Path) -> None:
    quick = LedgerSettings(sign_every=1_000, head_every=1_000)
    file = KeyFile(tmp_path / "audit.key")
    first = file.make()
    for _ in range(2):  # also where the first start was cut off before its first entry
        journal = Journal(EmbeddedLedger(tmp_path / "audit", file.current, quick))
        time.sleep(0.05)
        journal.ledger.close()
    journal = open_journal(tmp_path, quick)

    def slowly(key: SigningKey, principal: str, previous: SigningKey | None = None) -> int:
        time.sleep(0.05)
        return Journal.announce(journal, key, principal, previous)

    journal.announce = slowly  # type: ignore[method-assign]  # heads are signed meanwhile
    rotate(journal, file, "security")
    time.sleep(0.05)
    journal.ledger.close()
    log = checked(tmp_path, first.public)
    assert len(log.keys) == 2 and log.heads > 10


# crashes --------------------------------------------------------------------------------------------------------


def test_killed_at_any_moment_nothing_told_is_lost_and_the_log_is_whole(tmp_path: Path) -> None:
    dice, told = random.Random(7), -1
    for _ in range(8):
        command = [sys.executable, "-m", "tests.hub.audit.acts", str(tmp_path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(dice.uniform(0, 0.15))
            child.send_signal(signal.SIGKILL)
            numbers = [int(line) for line in child.stdout.read().split("\n")[:-1]]
        told = max([told, *numbers])
        journal = open_journal(tmp_path)
        assert journal.ledger.size > told
        journal.ledger.close()
        assert checked(tmp_path).size > told
    assert told > 50


def test_cut_off_anywhere_in_its_last_write_the_log_goes_on(tmp_path: Path) -> None:
    log_of(tmp_path / "a", 3).ledger.close()
    path = tmp_path / "a" / "audit" / "00000001.log"
    content = path.read_bytes()
    start = content.index(b'{"action"', content.index(b"Person:1"))
    for place in range(start, len(content), 7):
        shutil.rmtree(tmp_path / "b", ignore_errors=True)
        shutil.copytree(tmp_path / "a", tmp_path / "b")
        (tmp_path / "b" / "audit" / "00000001.log").write_bytes(content[:place])
        journal = open_journal(tmp_path / "b", SMALL)
        assert journal.ledger.size in (3, 4)
        number = journal.log(entry(9))
        assert journal.entry(number) == entry(9)
        journal.ledger.close()
        assert checked(tmp_path / "b").size == number + 1


def test_damage_before_the_end_is_refused_loudly(tmp_path: Path) -> None:
    log_of(tmp_path, 3).ledger.close()
    path = tmp_path / "audit" / "00000001.log"
    content = path.read_bytes()
    for old, new in ((b"Person:1", b"Person:7"), (b'{"action":"entities', b'["action":"entities')):
        path.write_bytes(content.replace(old, new, 1))
        with pytest.raises(Corrupt):
            open_journal(tmp_path, SMALL)


def test_what_rots_in_a_file_that_is_done_with_is_not_shown(tmp_path: Path) -> None:
    journal = log_of(tmp_path, 40)
    path = tmp_path / "audit" / "00000001.log"
    path.write_bytes(path.read_bytes().replace(b"Person:1", b"Person:x", 1))
    with pytest.raises(Corrupt):
        journal.entry(2)
    with pytest.raises(Corrupt):
        journal.search(Search(limit=100))
    assert journal.search(Search(limit=5)).found[0].number == 40
    journal.ledger.close()


def test_lost_nodes_are_worked_out_anew(tmp_path: Path) -> None:
    log_of(tmp_path, 40).ledger.close()
    nodes = tmp_path / "audit" / "nodes"
    right = nodes.read_bytes()
    for wrong in (b"", right[:100], right[:-32], bytes(len(right)), right + b"x"):
        nodes.write_bytes(wrong)
        open_journal(tmp_path, SMALL).ledger.close()
        assert nodes.read_bytes()[: len(right)] == right


def test_a_full_disk_refuses_the_act_and_only_while_it_is_full(tmp_path: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from tests.hub.audit.acts import entry
from zhicheng.kernel.errors import StorageFull
from zhicheng.server.audit_key import open_journal
from zhicheng.storage.engines.embedded.ledger import LedgerSettings
journal = open_journal(Path(sys.argv[1]), LedgerSettings())
told = [journal.log(entry(number)) for number in range(20)]
size = (Path(sys.argv[1]) / "audit" / "00000001.log").stat().st_size
refused = 0
for more in (1, 100, 500, 1_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + more, resource.RLIM_INFINITY))
    for number in range(10):
        try:
            told.append(journal.log(entry(number)))
        except StorageFull:
            refused += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
told += [journal.log(entry(number)) for number in range(5)]
assert told == list(range(1, len(told) + 1)), told
assert journal.search.__self__.ledger.size == len(told) + 1
journal.ledger.close()
print(refused, len(told))
"""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    refused, told = map(int, done.stdout.split())
    assert refused > 10 and checked(tmp_path).size == told + 1


def test_a_file_system_that_is_really_full(tmp_path: Path) -> None:
    if (
        shutil.which("unshare") is None
        or subprocess.run(unshared(tmp_path, "1m", ["true"]), capture_output=True, check=False).returncode
    ):
        pytest.skip("no file system of one's own can be mounted here (unshare -rm)")
    command = unshared(tmp_path, "6m", [sys.executable, "-m", "tests.hub.audit.full", str(tmp_path)])
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    in_order, told, refused, found = done.stdout.split()
    assert in_order == "True" and int(refused) > 50 and int(found) == int(told) + 1


def test_a_failed_sync_ends_all_logging(tmp_path: Path) -> None:
    if (
        shutil.which("strace") is None
        or subprocess.run(["strace", "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("strace, which makes a write fail, is not here or may not trace")
    program = """
import sys
from pathlib import Path
from tests.hub.audit.acts import entry
from zhicheng.kernel.errors import StorageFailed
from zhicheng.server.audit_key import open_journal
journal = open_journal(Path(sys.argv[1]))
told = failed = 0
for number in range(30):
    try:
        journal.log(entry(number)); told += 1
    except StorageFailed:
        failed += 1
assert isinstance(journal.ledger.failure, StorageFailed)
print("RESULT", told, failed)
"""
    path = str(tmp_path / "audit" / "00000001.log")
    open_journal(tmp_path).ledger.close()
    command = ["strace", "-f", "-qq", "-P", path, "-e", "trace=write", "-e", "inject=write:error=EIO:when=8",
               "-o", "/dev/null", sys.executable, "-c", program, str(tmp_path)]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "RESULT" in done.stdout, done.stderr
    told, failed = map(int, done.stdout.split()[1:])
    assert told < 10 and failed == 30 - told
    journal = open_journal(tmp_path)
    assert journal.ledger.size >= told + 1
    journal.ledger.close()
    assert checked(tmp_path).size >= told + 1


# several at once, keys, retention --------------------------------------------------------------------------------


def test_two_processes_write_one_log(tmp_path: Path) -> None:
    journals = [open_journal(tmp_path, SMALL), open_journal(tmp_path, SMALL)]
    numbers = []
    for number in range(60):
        numbers.append(journals[number % 3 % 2].log(entry(number)))
    assert numbers == list(range(1, 61))
    for journal in journals:
        assert journal.search(Search(limit=100)).found[0].number >= 58
        journal.ledger.close()
    assert checked(tmp_path).size == 61


def test_the_key_is_nobody_elses(tmp_path: Path) -> None:
    log_of(tmp_path, 1).ledger.close()
    path = tmp_path / "audit.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "audit").stat().st_mode) == 0o700
    path.chmod(0o640)
    with pytest.raises(BadConfiguration):
        KeyFile(path).current()
    path.chmod(0o600)
    path.write_bytes(b"short")
    os.utime(path, ns=(1, 1))
    with pytest.raises(BadConfiguration):
        KeyFile(path).current()


def test_a_log_whose_key_is_gone_is_not_gone_on_with(tmp_path: Path) -> None:
    log_of(tmp_path, 1).ledger.close()
    (tmp_path / "audit.key").unlink()
    with pytest.raises(BadConfiguration):
        open_journal(tmp_path)


def test_of_many_first_starts_at_once_one_names_the_key(tmp_path: Path) -> None:
    program = "import sys; from pathlib import Path; from zhicheng.server.audit_key import open_journal; " + (
        "open_journal(Path(sys.argv[1])).ledger.close()"
    )
    children = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT) for _ in range(4)]
    assert [child.wait() for child in children] == [0] * 4
    assert checked(tmp_path).size == 1


def test_entries_are_kept_for_180_days_at_least(tmp_path: Path) -> None:
    now = START
    journal = Journal(open_journal(tmp_path, SMALL, lambda: now).ledger, lambda: now)
    for number in range(30):
        journal.log(entry(number))
    with pytest.raises(Invalid):
        journal.expire(179 * DAY, "auditor")
    assert journal.expire(180 * DAY, "auditor") == 0
    now = START + 181 * DAY
    assert journal.expire(180 * DAY, "auditor") > 10
    assert journal.search(Search(action="audit:expire", limit=10)).found[0].entry.principal == "auditor"
    journal.ledger.close()
    assert checked(tmp_path, KeyFile(tmp_path / "audit.key").current().public).size == journal.ledger.size
