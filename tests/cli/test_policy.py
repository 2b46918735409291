"""`zhicheng policy` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhicheng.cli.main import main
from zhicheng.hub.audit.journal import Search
from zhicheng.kernel.errors import Conflict, StorageFull
from zhicheng.security.defaults import POLICIES
from zhicheng.server.audit_key import open_journal
from zhicheng.server.policy_files import PolicyFiles

OWN = """
@id("night") @zh("夜间不写") @en("No writing at night")
forbid(principal, action in Action::"writing", resource)
when { context has hour && context.hour >= 22 };
"""


@pytest.fixture
def city(tmp_path: Path) -> Path:
    assert main(["init", str(tmp_path / "city")]) == 0
    return tmp_path / "city"


def test_look_change_and_ask_why(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")

    def typed(*words: object, status: int = 0, language: str = "en") -> str:
        monkeypatch.setenv("ZHICHENG_LANG", language)
        capsys.readouterr()
        assert main(["policy", *map(str, words)]) == status
        said = capsys.readouterr()
        return said.out + said.err

    assert typed("show", "--data", city) == POLICIES
    own = tmp_path / "own.cedar"
    own.write_text(POLICIES + OWN, "utf-8")
    assert typed("lint", own) == ""
    assert "version 1" in typed("set", own, "--data", city, "--note", "quiet [b]nights[/b]").lower()
    listed = typed("list", "--data", city, language="zh")
    assert "quiet [b]nights[/b]" in listed and "修改人" in listed
    assert typed("show", "--data", city) == POLICIES + OWN and typed("show", "--version", 0, "--data", city) == POLICIES
    typed("show", "--version", 7, "--data", city, status=1)

    who = ("explain", 'Service::"gateway"', "entities:write", "--role", "writer", "--data", city)
    assert typed(*who).startswith("Allowed by 'writer'")
    assert typed(*who, "--context", '{"hour": 23}').startswith("Denied by 'night'")
    assert "夜间不写" in typed(*who, "--context", '{"hour": 23}', language="zh")
    assert typed(*who, "--resource", 'Tenant::"other"').startswith("Denied by 'own-tenant'")
    for context in ("[]", "{", '{"a": 1.5}'):
        typed(*who, "--context", context, status=1)
    typed("explain", "li", "entities:read", "--file", own, status=1)

    own.write_text("permit(principal, action, resource) when { resource.a == };", "utf-8")
    assert "line 1, column 58" in typed("set", own, "--data", city, status=1)
    assert PolicyFiles(city).current().number == 1
    typed("lint", tmp_path / "none.cedar", status=1)

    journal = open_journal(city)
    [found] = journal.search(Search(action="policies:write")).found
    assert found.entry.facts == {"version": "1", "note": "quiet [b]nights[/b]"}
    journal.ledger.close()


def test_of_two_at_once_one_is_told(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, files = open_journal(city), PolicyFiles(city)
    monkeypatch.setattr(files, "numbers", list)
    files.put(POLICIES, "li", "", journal)
    with pytest.raises(Conflict):
        files.put(POLICIES, "wang", "", journal)
    journal.ledger.close()
    assert [path.name for path in (city / "policies").iterdir()] == ["000001.json"]


def test_no_version_without_the_log(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, files = open_journal(city), PolicyFiles(city)

    def full(_: object) -> int:
        raise StorageFull("full", "满")

    monkeypatch.setattr(journal, "log", full)
    with pytest.raises(StorageFull):
        files.put(POLICIES, "li", "", journal)
    assert files.current().number == 0 and not list((city / "policies").iterdir())
    journal.ledger.close()
