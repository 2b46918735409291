"""Notices of transport operators (GTFS Realtime alerts) as Alert entities."""

from __future__ import annotations

from zhicheng.kernel.instants import SECOND
from zhicheng.sensing.decoded import DecodeSettings
from zhicheng.sensing.timetable import agency_urn
from zhicheng.sensing.transit_names import fact, iri, moment, observed, relation, urn
from zhicheng.standards.gtfs.messages import Alert, EntitySelector, TimeRange, TranslatedString
from zhicheng.standards.gtfs.realtime import EARLIEST, LATEST
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind

SEVERITY = {"INFO": "informational", "WARNING": "medium", "SEVERE": "high"}
"""GTFS Realtime's severity in Smart Data Models' words."""
NO_LANGUAGE = "@none"
"""The language tag of a text whose language is not told."""


def alert_entity(raw_id: str, alert: Alert, issued: int, settings: DecodeSettings) -> Entity:
    """An alert; `issued` is the feed's time in seconds."""
    network = settings.network or settings.feed
    at = issued * SECOND
    attributes: dict[str, list[Attribute]] = {
        iri("category"): fact("traffic"),
        iri("dateIssued"): fact(moment(issued)),
        iri("alertSource"): relation(urn("Feed", settings.feed)),
    }
    for name, value in (("subCategory", alert.cause), ("cause", alert.cause), ("effect", alert.effect)):
        if value is not None:
            attributes[iri(name)] = observed(value, at)
    if alert.severity_level in SEVERITY:
        attributes[iri("severity")] = observed(SEVERITY[alert.severity_level], at)
    for name, text in (("name", alert.header_text), ("description", alert.description_text), ("page", alert.url)):
        attributes |= _text(name, text, at)
    attributes |= _periods(alert.active_period, at)
    targets = [target for one in alert.informed_entity if (target := _target(one, network)) is not None]
    if targets:
        attributes[iri("affects")] = relation(list(dict.fromkeys(targets)), at)
    return Entity(urn("Alert", settings.feed, raw_id), (iri("Alert"),), attributes)


def _text(name: str, text: TranslatedString | None, at: int) -> dict[str, list[Attribute]]:
    if text is None or not text.translation:
        return {}
    if name == "page":
        return {iri(name): observed(text.translation[0].text, at)}
    tagged: dict[str, Json] = {one.language or NO_LANGUAGE: one.text for one in text.translation}
    if set(tagged) == {NO_LANGUAGE}:
        return {iri(name): observed(tagged[NO_LANGUAGE], at)}
    return {iri(name): [Attribute(Kind.LANGUAGE, tagged, at)]}


def _periods(periods: tuple[TimeRange, ...], at: int) -> dict[str, list[Attribute]]:
    """The first start and the last end; all periods where there are several. Ends beyond 2100 are open."""
    spans: list[dict[str, Json]] = []
    for period in periods:
        ends = {"start": period.start, "end": period.end}
        spans.append({name: moment(time) for name, time in ends.items() if time and EARLIEST <= time < LATEST})
    attributes = {}
    starts, finishes = ([span[name] for span in spans if name in span] for name in ("start", "end"))
    if starts:
        attributes[iri("validFrom")] = observed(min(map(str, starts)), at)
    if finishes and len(finishes) == len(spans):
        attributes[iri("validTo")] = observed(max(map(str, finishes)), at)
    if len(spans) > 1:
        listed: list[Json] = [*spans]
        attributes[iri("activePeriods")] = [Attribute(Kind.JSON, listed, at)]
    return attributes


def _target(selector: EntitySelector, network: str) -> str | None:
    """The most particular thing a selector names."""
    if selector.stop_id:
        return urn("GtfsStop", network, selector.stop_id)
    if selector.trip is not None and selector.trip.trip_id:
        parts = (selector.trip.trip_id, selector.trip.start_date, selector.trip.start_time)
        return urn("GtfsTrip", network, *[one for one in parts if one])
    if selector.route_id:
        return urn("GtfsRoute", network, selector.route_id)
    return agency_urn(network, selector.agency_id) if selector.agency_id else None
