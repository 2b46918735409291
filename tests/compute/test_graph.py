"""Applications that do not go together are told so, by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.compute.windowed import MEANS, QUARTERS
from zhicheng.compute import graph
from zhicheng.compute.app import AnyApp, Output, Reads, Writes
from zhicheng.compute.terms import iri
from zhicheng.compute.vocabulary import with_apps
from zhicheng.kernel.errors import BadConfiguration
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.model import Label

TERMS = Catalogue.builtin().terms()


def app(name: str, reads: str, writes: str) -> AnyApp:
    """Reads and writes one attribute of car parks."""
    output = Output(writes, label=Label(writes, writes))
    return replace(
        QUARTERS,
        name=name,
        reads=(Reads("OffStreetParking", (reads,)),),
        writes=(Writes("OffStreetParking", (output,)),),
    )


def test_those_that_are_read_from_come_first() -> None:
    first, second, third = app("a", "x2", "x3"), app("b", "x1", "x2"), app("c", "availableSpotNumber", "x1")
    assert [one.name for one in graph.check([first, second, third], TERMS)] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("apps", "said"),
    [
        ([app("a", "x2", "x1"), app("b", "x1", "x2")], "a, b feed themselves"),
        ([app("a", "x1", "x1")], "feed themselves"),
        ([app("a", "status", "x1"), app("b", "status", "x1")], "a and b both write"),
        ([app("a", "availableSpotNumbr", "x1")], "did you mean availableSpotNumber"),
        ([replace(MEANS, writes=(Writes("AirQualityObserved", (Output("pm25Mean"),)),))], "without a label"),
        ([replace(MEANS, description=Label("x", ""))], "no description in both"),
    ],
    ids=["two in a circle", "one in a circle", "two writers", "unknown name", "no label", "no chinese"],
)
def test_what_does_not_go_together_is_refused(apps: list[AnyApp], said: str) -> None:
    with pytest.raises(BadConfiguration, match=said):
        graph.check(apps, TERMS)


def test_what_they_write_joins_the_models() -> None:
    catalogue = with_apps(Catalogue.builtin(), [QUARTERS, MEANS])
    assert catalogue.label(iri("Quarter"), "zh") == "片区"
    assert catalogue.label(iri("freePlaces"), "zh") == "空余"
    mean = catalogue.attribute(iri("pm25Mean"))
    assert mean is not None and mean.unit == "GQ"
    assert catalogue.terms()["freeCopy"] == iri("freeCopy")
    assert catalogue.model(iri("OffStreetParking")) is not None
