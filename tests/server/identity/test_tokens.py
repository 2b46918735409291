"""Tokens that the command line makes and revokes while the city runs."""

from __future__ import annotations

from pathlib import Path

from zhicheng.kernel.instants import SECOND
from zhicheng.server.accounts import Accounts

NOW = 1_700_000_000_000_000


def test_a_token_of_another_process_counts_at_once_and_a_revoked_one_no_more_within_a_second(tmp_path: Path) -> None:
    now = [NOW]
    server, line = Accounts(tmp_path, lambda: now[0]), Accounts(tmp_path, lambda: now[0])
    first = line.create("first", "default", ["reader"])
    assert server.principal(first) is not None
    second = line.create("second", "default", ["writer"])
    found = server.principal(second)
    assert found is not None and found.roles == ("writer",)
    for token in line.tokens():
        line.revoke(token.id)
    now[0] += 2 * SECOND
    assert server.principal(first) is server.principal(second) is None
    server.control.close()
    line.control.close()
