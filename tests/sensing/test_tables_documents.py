"""docs/feeds.md explains every key there is, and its examples are valid."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from zhicheng.kernel.settings import Where, parse, read
from zhicheng.network.settings import FeedSettings
from zhicheng.sensing.decoders import DECODERS
from zhicheng.sensing.mapping import Location, TableMapping, Time, Value, read_mappings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "feeds.md").read_text(encoding="utf-8")
SECTIONS = {
    "## A feed": FeedSettings,
    "### A mapping": TableMapping,
    "### An attribute": Value,
    "### Time": Time,
    "### Location": Location,
}


@pytest.mark.parametrize("heading", list(SECTIONS))
def test_every_key_is_explained_and_every_explained_key_exists(heading: str) -> None:
    section = re.split(r"^##", PAGE.split(f"\n{heading}", 1)[1], maxsplit=1, flags=re.M)[0]
    explained = {key for cell in re.findall(r"^\| (`.+?) \| ", section, re.M) for key in re.findall(r"`(\w+)`", cell)}
    assert explained == {field.name for field in fields(SECTIONS[heading])}


def test_the_examples_are_valid() -> None:
    for block in re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S):
        tables = parse(block, "feeds.md")
        if "mappings" in tables:
            read_mappings(tables, "feeds.md")
        feeds = tables.get("feeds", {})
        assert isinstance(feeds, dict)
        for name, table in feeds.items():
            feed = read(FeedSettings, table, Where("feeds.md", f"feeds.{name}"))
            assert feed.decoder in DECODERS
            if feed.mapping:
                read(TableMapping, feed.mapping, Where("feeds.md", f"feeds.{name}.mapping"))


def test_every_decoder_is_named() -> None:
    assert {name for name in DECODERS if f"`{name}`" not in PAGE} == set()
