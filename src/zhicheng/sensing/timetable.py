"""Decoder `gtfs`: a timetable's zip to entities of its agencies, stops and routes, and its tables to keep."""

from __future__ import annotations

import numpy as np

from zhicheng.analysis.patterns import Pattern, find_patterns
from zhicheng.kernel.columns import Coded
from zhicheng.sensing.decoded import Decoded, DecodeSettings
from zhicheng.sensing.transit_names import LOCATION, fact, iri, point, relation, urn
from zhicheng.standards.gtfs import static as gtfs
from zhicheng.standards.gtfs.static import Static
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind


def decode_static(body: bytes, settings: DecodeSettings) -> Decoded:
    """A GTFS zip. The entities are all of the network's; the tables are for looking trips up."""
    static = gtfs.read(body, settings.room(body))
    network = settings.network or settings.feed
    entities = [*_agencies(static, network), *_stops(static, network), *_routes(static, network)]
    return Decoded(entities, full=True, whole=True, tables=gtfs.to_tables(static))


def agency_urn(network: str, agency_id: str | None) -> str:
    """The id of an agency; timetables with one agency need not name it."""
    return urn("GtfsAgency", network, agency_id or network)


def _texts(columns: dict[str, Coded], row: int) -> dict[str, list[Attribute]]:
    return {iri(name): fact(value) for name, column in columns.items() if (value := column[row]) is not None}


def _agencies(static: Static, network: str) -> list[Entity]:
    table = static.agency
    columns = {
        "agencyName": table.agency_name,
        "name": table.agency_name,
        "timezone": table.agency_timezone,
        "language": table.agency_lang,
        "phone": table.agency_phone,
        "page": table.agency_url,
    }
    return [
        Entity(agency_urn(network, table.agency_id[row]), (iri("GtfsAgency"),), _texts(columns, row))
        for row in range(len(table))
    ]


def _stops(static: Static, network: str) -> list[Entity]:
    table = static.stops
    columns = {
        "name": table.stop_name,
        "code": table.stop_code,
        "stop_desc": table.stop_desc,
        "zoneCode": table.zone_id,
        "platformCode": table.platform_code,
    }
    found = []
    for row in range(len(table)):
        attributes = _texts(columns, row)
        lon, lat = float(table.stop_lon[row]), float(table.stop_lat[row])
        if not np.isnan(lon + lat):
            attributes[LOCATION] = [Attribute(Kind.GEO, point(lon, lat))]
        attributes[iri("locationType")] = fact(max(int(table.location_type[row]), 0))
        if table.wheelchair_boarding[row] > 0:
            attributes[iri("wheelChairAccessible")] = fact(int(table.wheelchair_boarding[row]))
        if (parent := table.parent_station[row]) is not None:
            attributes[iri("hasParentStation")] = relation(urn("GtfsStop", network, parent))
        found.append(Entity(urn("GtfsStop", network, table.stop_id[row] or ""), (iri("GtfsStop"),), attributes))
    return found


def _routes(static: Static, network: str) -> list[Entity]:
    table = static.routes
    patterns = find_patterns(static)
    columns = {
        "shortName": table.route_short_name,
        "description": table.route_desc,
        "routeColor": table.route_color,
        "routeTextColor": table.route_text_color,
    }
    found = []
    for row in range(len(table)):
        attributes = _texts(columns, row)
        if (name := table.route_long_name[row] or table.route_short_name[row]) is not None:
            attributes[iri("name")] = fact(name)
        attributes[iri("routeType")] = fact(int(table.route_type[row]))
        attributes[iri("operatedBy")] = relation([agency_urn(network, table.agency_id[row])])
        lines = _lines(static, patterns.by_route.get(row, []))
        if lines:
            attributes[LOCATION] = [Attribute(Kind.GEO, {"type": "MultiLineString", "coordinates": lines})]
        found.append(Entity(urn("GtfsRoute", network, table.route_id[row] or ""), (iri("GtfsRoute"),), attributes))
    return found


def _lines(static: Static, patterns: list[Pattern]) -> list[Json]:
    """The line of most trips between each two ends, so that branches show and variants do not."""
    chosen: dict[frozenset[int], Pattern] = {}
    for pattern in sorted(patterns, key=lambda one: -one.trips):
        if pattern.shape_id is not None:
            chosen.setdefault(frozenset((int(pattern.stops[0]), int(pattern.stops[-1]))), pattern)
    lines: list[Json] = []
    for pattern in chosen.values():
        shape = static.shape(pattern.shape_id or "")
        if shape is not None and len(shape.lon) > 1:
            lines.append(np.stack([shape.lon, shape.lat], axis=1).round(6).tolist())
    return lines
