from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel import urn
from zhicheng.kernel.errors import Invalid

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(st.lists(TEXT, min_size=2, max_size=4))
def test_made_urns_are_valid_and_come_apart_again(parts: list[str]) -> None:
    kind, *rest = (unicodedata.normalize("NFC", part) for part in parts)
    made = urn.make(*parts)
    assert urn.check(made) == made
    assert urn.split(made) == (kind, tuple(rest))


@given(st.text())
def test_any_text_becomes_a_safe_part_or_is_refused(text: str) -> None:
    if not text:
        with pytest.raises(Invalid):
            urn.local(text)
        return
    part = urn.local(text)
    assert not set(part) & set(":/?#[]@!$&'()*+,;= \t\n\"<>\\^`{|}")
    assert urn.valid("urn:ngsi-ld:T:" + part)


@pytest.mark.parametrize(
    "text",
    [
        "urn:ngsi-ld:Vehicle:1",
        "http://example.org/a?b=c#d",
        "urn:ngsi-ld:公交站:人民路",
        "urn:x:a%20b",
        "mailto:a@b.org",
        "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    ],
)
def test_uris(text: str) -> None:
    assert urn.valid(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vehicle1",
        "urn:",
        "urn:a b",
        "urn:a\n",
        "1urn:a",
        ":a",
        "urn:<a>",
        'urn:"',
        "urn:a%2",
        "urn:\ud800",
        "urn:" + "a" * 2050,
    ],
)
def test_what_is_no_uri_is_said_in_both_languages(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        urn.check(text)
    assert caught.value.en != caught.value.zh
    assert not urn.valid(text)


@pytest.mark.parametrize("bad", [None, 3, b"urn:a", ["urn:a"]])
def test_other_types_are_no_uris(bad: object) -> None:
    assert not urn.valid(bad)


@pytest.mark.parametrize("text", ["urn:other:1", "urn:ngsi-ld:Vehicle", "https://x.org/a:b:c"])
def test_foreign_names_do_not_come_apart(text: str) -> None:
    with pytest.raises(Invalid):
        urn.split(text)


def test_a_urn_needs_parts() -> None:
    for kind, parts in (("", ("a",)), ("T", ()), ("T", ("",))):
        with pytest.raises(Invalid):
            urn.make(kind, *parts)
