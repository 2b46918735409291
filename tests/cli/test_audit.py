"""`zhicheng audit` as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.audit.acts import entry
from zhicheng.cli.main import main
from zhicheng.hub.audit.journal import Search
from zhicheng.security.entries import Act
from zhicheng.server.audit_key import open_journal


def test_look_prove_check_hand_over_and_replace_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    def typed(*words: object, status: int = 0, language: str = "en") -> str:
        monkeypatch.setenv("ZHICHENG_LANG", language)
        assert main([str(word) for word in words]) == status
        said = capsys.readouterr()
        return said.out + said.err

    city = tmp_path / "city"
    typed("init", city)
    journal = open_journal(city)
    for number in range(5):
        journal.log(entry(number, principal="[red]\x1b[2Jeve"))
    found = typed("audit", "search", "--data", city, "--resource", "urn:ngsi-ld:Person:3")
    assert "[red]" in found and "\x1b[2J" not in found and found.count("entities:read") == 1
    assert "1970" not in typed("audit", "search", "--data", city, "--limit", 2, "--outcome", "allowed", language="zh")
    with pytest.raises(SystemExit):
        typed("audit", "search", "--data", city, "--outcome", "perhaps")
    capsys.readouterr()

    (tmp_path / "verify.py").write_text(typed("audit", "verifier"))
    (tmp_path / "head.json").write_text(typed("audit", "head", "--data", city))
    (tmp_path / "proof.json").write_text(typed("audit", "prove", 3, "--data", city))
    typed("audit", "prove", 99, "--data", city, status=1)
    lines = typed("audit", "export", "--data", city).splitlines()
    assert [json.loads(line)["number"] for line in lines] == list(range(7)), "the export is an entry too"
    assert typed("audit", "export", "--data", city, "--format", "syslog").count("\n") == 8
    assert json.loads(typed("audit", "export", "--data", city, "--format", "otlp"))["resourceLogs"]
    assert "New public key" in typed("audit", "rotate", "--data", city)
    assert typed("audit", "expire", "--data", city, "--keep", "200 d").startswith("0 ")
    typed("audit", "expire", "--data", city, "--keep", "20 d", status=1)
    journal.log(entry(9))
    journal.ledger.close()

    said = typed("audit", "verify", "--data", city, "--head", tmp_path / "head.json")
    assert said.startswith("OK: ")
    key = said.splitlines()[-1].split()[2]
    files = [str(tmp_path / name) for name in ("verify.py", "proof.json")]
    alone = [sys.executable, "-I", files[0], "--proof", files[1], "--key", key]
    assert subprocess.run(alone, capture_output=True, check=False).returncode == 0
    log = city / "audit" / "00000001.log"
    log.write_bytes(log.read_bytes().replace(b"Person:2", b"Person:7"))
    assert typed("audit", "verify", "--data", city, status=1).startswith("WRONG: 00000001.log: line ")


def test_what_the_command_line_changes_is_in_the_log_before_it_is_done(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path / "data")]
    assert main(["init", str(tmp_path / "data")]) == 0
    for words in (["token", "create", "x", "--role", "reader"], ["account", "create", "li", "--role", "reader"],
                  ["account", "disable", "li"], ["client", "create", "bus", "--role", "reader"]):  # fmt: skip
        assert main([*words, *data]) == 0
    assert main(["token", "revoke", "nonsense", *data]) == 1
    journal = open_journal(tmp_path / "data")
    found = [one.entry for one in journal.search(Search(kind=Act.ADMINISTRATION)).found]
    journal.ledger.close()
    assert [(one.action, one.resource, (one.facts or {})["command"]) for one in found] == [
        ("accounts:write", "token:nonsense", "token revoke"), ("accounts:write", "client:bus", "client create"),
        ("accounts:write", "account:li", "account disable"), ("accounts:write", "account:li", "account create"),
        ("accounts:write", "token:x", "token create"),
    ]  # fmt: skip
    assert all(one.principal.startswith("cli:") for one in found)
