"""Plain contexts are read without a JSON-LD processor, and every table is the one that the processor makes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel.errors import Invalid
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.ngsild.core import VERSIONS, core_terms
from zhicheng.standards.ngsild.jsonld import _processed, term_table
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.terms import Term, plain_terms

NAMES = st.sampled_from(["a", "b", "speed", "速度", "Datum", "with-dash", "urn"])
IRIS = st.sampled_from(["https://ex.org/a", "https://ex.org/", "http://ex.org/voc#", "x+y://z?", "tag:a"])
TYPES = st.sampled_from(["@id", "@vocab", "@json", "@none", "DateTime", "unheard_of", "https://ex.org/t", "tag:x"])
HELD = st.sampled_from(["@list", "@set", "@index", "@language"])
ODD_NAMES = st.one_of(NAMES, st.sampled_from(["x.y", "a:b", "@foo", "", "9", "a b", "ex"]))
ODD_IRIS = st.one_of(IRIS, st.sampled_from(["urn:x#", "ex:a", "a", "@id", "@foo", "http://b c", "speed", ""]))
ODD_TYPES = st.one_of(TYPES, st.sampled_from(["ex:t", "id", "@foo", "a", "Datum", "urn:t"]))
ODD_HELD = st.one_of(HELD, st.sampled_from(["@graph", "@x", "@id", "@type"]))


def detailed(
    iris: st.SearchStrategy[str], types: st.SearchStrategy[str], held: st.SearchStrategy[str]
) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"@id": iris}, optional={"@type": types, "@container": held})


PLAIN = st.dictionaries(NAMES, st.one_of(IRIS, detailed(IRIS, TYPES, HELD)), max_size=5)
ODD = st.dictionaries(ODD_NAMES, st.one_of(ODD_IRIS, st.none(), detailed(ODD_IRIS, ODD_TYPES, ODD_HELD)), max_size=5)


def outcome(parts: list[dict[str, Json]], *, processor: bool) -> dict[str, Term] | None:
    try:
        return (_processed if processor else term_table)("1.9", parts, "@context")
    except Invalid:
        return None


@pytest.mark.parametrize("version", VERSIONS)
def test_the_core_is_what_the_processor_makes_of_it(version: str) -> None:
    assert term_table(version, [], "@context") == _processed(version, [], "@context")


def test_the_context_of_the_models_is_plain() -> None:
    core = core_terms()
    terms: dict[str, Json] = {term: iri for term, iri in Catalogue.builtin().terms().items() if term not in core}
    assert plain_terms(terms, {}) is not None
    assert term_table("1.9", [terms], "@context") == _processed("1.9", [terms], "@context")


@pytest.mark.parametrize(
    "rule",
    [
        "ex:speed", "speed", "urn:speed", "@id", None, 7, ["https://ex.org/a"], {}, {"@id": None},
        {"@reverse": "https://ex.org/a"},
        {"@id": "https://ex.org/a", "@prefix": True}, {"@id": "https://ex.org/a", "@type": None},
        {"@id": "https://ex.org/a", "@container": ["@list"]}, {"@id": "https://ex.org/a", "@type": "ex:t"},
        {"@id": "https://ex.org/a", "@type": "id"}, {"@id": "https://ex.org/a", "@context": {}},
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_the_processor(rule: Json) -> None:
    known = {"id": Term("@id"), "ex": Term("https://ex.org/", prefix=True), "urn": Term("https://ex.org/urn")}
    assert plain_terms({"a": rule}, known) is None


@given(st.lists(st.one_of(PLAIN, ODD), min_size=1, max_size=3))
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_every_table_is_the_processors(parts: list[dict[str, Json]]) -> None:
    assert outcome(parts, processor=False) == outcome(parts, processor=True)


@given(st.lists(PLAIN, min_size=1, max_size=3))
def test_plain_tables_are_the_processors(parts: list[dict[str, Json]]) -> None:
    found: dict[str, Term] = dict(term_table("1.9", [], "@context"))
    for part in parts:
        found |= plain_terms(part, found) or {}
    assert found == outcome(parts, processor=True)
