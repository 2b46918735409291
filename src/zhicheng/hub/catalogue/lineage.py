"""Lineage: which source made which attribute of which type, and which application made what of it.

A graph of three kinds of nodes: sources (feeds, interfaces), data (a type), applications. An edge from a source to
data is what the live table says: so many entities have values that came by it. What applications read, and what they
have not written yet, is what they declare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from zhicheng.compute.app import AnyApp
from zhicheng.compute.terms import iri
from zhicheng.hub.catalogue.figures import NOBODY, TypeHeld

APP = "app:"


@dataclass(frozen=True, slots=True)
class Edge:
    """From a source or application to a type or the other way round; `count`: entities, None where only declared."""

    kind: Literal["makes", "reads"]
    type: str
    attribute: str
    by: str
    count: int | None = None


def edges(held: Mapping[str, TypeHeld], apps: Iterable[AnyApp], terms: Mapping[str, str]) -> list[Edge]:
    """All edges: what stands in the live table, and what applications declare beyond it."""
    found = [
        Edge("makes", name, attribute, source, count)
        for name, figures in held.items()
        for attribute, own in figures.attributes.items()
        for source, count in sorted(own.source.items())
        if source != NOBODY
    ]
    made = {(edge.type, edge.attribute, edge.by) for edge in found}
    for app in apps:
        for written in app.writes:
            for output in written.outputs:
                one = (iri(written.type, terms), iri(output.attribute, terms), APP + app.name)
                if one not in made:
                    found.append(Edge("makes", *one))
        for read in app.reads:
            found += [
                Edge("reads", iri(read.type, terms), iri(name, terms), APP + app.name) for name in read.attributes
            ]
    return found


def about(graph: Iterable[Edge], type_: str) -> list[Edge]:
    """The part of the graph around a type: what makes and reads it, and what feeds and follows those applications."""
    graph = list(graph)
    own = [edge for edge in graph if edge.type == type_]
    makers = {edge.by for edge in own if edge.kind == "makes" and edge.by.startswith(APP)}
    readers = {edge.by for edge in own if edge.kind == "reads"}
    before = [edge for edge in graph if edge.kind == "reads" and edge.by in makers and edge.type != type_]
    after = [edge for edge in graph if edge.kind == "makes" and edge.by in readers and edge.type != type_]
    return [*own, *before, *after]
