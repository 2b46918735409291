"""Geo on columns: bounds first, points as numbers, and only what is left as shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import shapely

from zhicheng.kernel import geometry
from zhicheng.kernel.columns import F8, Mask
from zhicheng.standards.changes import Form
from zhicheng.standards.filter import shapes
from zhicheng.standards.filter.source import Cells, Source, by_text
from zhicheng.standards.filter.tree import Geo
from zhicheng.standards.ngsild.model import Kind

PointTest = Callable[[F8, F8], Mask]


def geo_test(node: Geo) -> Callable[[Source], Mask]:
    """Which rows of a table have a geometry that stands so."""
    shapely.prepare(node.shape)
    test = _near(node) if node.relation == "near" else _related(node)

    def mask(source: Source) -> Mask:
        found = np.zeros(source.count, np.bool_)
        for cells in source.cells(node.attribute):
            found |= test(cells)
        return found

    return mask


def _near(node: Geo) -> Callable[[Cells], Mask]:
    """Within `most` and not within `least`: what is far is settled by bounds."""
    limits = [(limit, wanted) for limit, wanted in ((node.most, True), (node.least, False)) if limit is not None]
    tests = [
        (_touching(replace(node, least=None, most=limit), shapes.reach(node.shape, limit)), wanted)
        for limit, wanted in limits
    ]

    def test(cells: Cells) -> Mask:
        found = _there(cells)
        for close, wanted in tests:
            found &= close(cells) == wanted
        return found

    return test


def _related(node: Geo) -> Callable[[Cells], Mask]:
    if node.relation != "disjoint":
        return _touching(node, node.shape.bounds)
    meets = _touching(replace(node, relation="intersects"), node.shape.bounds)
    return lambda cells: _there(cells) & ~meets(cells)


def _there(cells: Cells) -> Mask:
    there: Mask = ~np.isnan(cells.bounds()[0])
    there &= (cells.kind == Kind.GEO) & (cells.form != Form.NOTHING)
    return there


def _touching(node: Geo, box: shapes.Box) -> Callable[[Cells], Mask]:
    """A relation that only geometries can fulfil whose bounds meet the box."""
    point = _point_test(node)

    def exact(texts: list[str]) -> Mask:
        return shapes.exact(node, [shapes.shape(text) for text in texts])

    def test(cells: Cells) -> Mask:
        west, south, east, north = cells.bounds()
        candidates = geometry.meets(west, south, east, north, box)
        candidates &= (cells.kind == Kind.GEO) & (cells.form != Form.NOTHING)
        points = candidates & (west == east) & (south == north)
        rows = np.flatnonzero(points)
        extended = candidates ^ points
        points[rows] = point(west[rows], south[rows])
        if extended.any():
            points |= by_text(cells.text, extended, exact)
        found: Mask = points
        return found

    return test


def _point_test(node: Geo) -> PointTest:
    """The relation on points, given as columns; their bounds meet the shape's already."""
    shape = node.shape
    box = shapes.rectangle(shape)
    if node.relation == "within":
        if box is None:
            return lambda x, y: np.asarray(shapely.contains_xy(shape, x, y))
        west, south, east, north = box
        return lambda x, y: (x > west) & (x < east) & (y > south) & (y < north)
    if node.relation == "intersects":
        if box is not None:
            return lambda x, y: np.ones(len(x), np.bool_)
        return lambda x, y: np.asarray(shapely.intersects_xy(shape, x, y))
    if node.relation == "near" and isinstance(shape, shapely.Point):
        lon, lat = shape.x, shape.y
        return lambda x, y: shapes.within_reach(node, geometry.distance(lon, lat, x, y))
    return lambda x, y: shapes.exact(node, np.asarray(shapely.points(x, y), dtype=np.object_))
