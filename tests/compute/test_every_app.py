"""What every application promises, tried on every application that there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhicheng.compute import graph, law
from zhicheng.compute.app import AnyApp
from zhicheng.server.discovery import PACKAGE, installed
from zhicheng.standards.models.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]
APPS = [*installed(strict=True).values()]
every = pytest.mark.parametrize("app", APPS, ids=lambda app: app.name)


@every
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), commits=st.integers(1, 60))
def test_batches_of_any_size_give_the_same(app: AnyApp, seed: int, commits: int) -> None:
    law.check(app, seed, commits=commits)


@every
def test_its_declaration_can_be_kept(app: AnyApp) -> None:
    law.check_declaration(app)


@every
def test_it_has_a_page(app: AnyApp) -> None:
    if app.derive.__module__.startswith(PACKAGE):
        page = (ROOT / "docs" / "apps" / f"{app.name}.md").read_text("utf-8")
        assert len(page.splitlines()) > 3


def test_all_of_them_go_together() -> None:
    assert {app.name for app in graph.check(APPS, Catalogue.builtin().terms())} == {app.name for app in APPS}
