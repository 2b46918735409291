"""A few of the requests that `python -m tests.security.fuzz` makes up by the thousand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.security.fuzz import fuzz
from tools.matrix import WHO


@pytest.mark.slow
@pytest.mark.parametrize(
    "who", [one for one in WHO if one.name in ("visitor", "writer", "admin")], ids=lambda one: one.name
)
def test_nothing_made_up_is_a_defect_or_gets_in(who: object, tmp_path: Path) -> None:
    sent, found = fuzz(who, 400, tmp_path)  # type: ignore[arg-type]  # a Who
    assert sent > 100
    assert found == []
