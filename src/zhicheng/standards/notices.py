"""Alert entities as notices to people: which are in force, and what they say in two languages."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.standards.models import said
from zhicheng.standards.ngsild.model import Entity, Json

_WEIGHT = {"critical": 0, "high": 1, "medium": 2, "low": 3, "informational": 4}


def in_force(alert: Entity, now: int) -> bool:
    """Whether it holds at an instant: within one of its periods; without any, always."""
    periods = said.value(alert, "activePeriods")
    if isinstance(periods, list) and periods:
        return any(isinstance(one, dict) and _within(one.get("start"), one.get("end"), now) for one in periods)
    return _within(said.value(alert, "validFrom"), said.value(alert, "validTo"), now)


def _within(start: Json, end: Json, now: int) -> bool:
    return (_instant(start) or now) <= now and now < (_instant(end) or now + 1)


def _instant(text: Json) -> int | None:
    try:
        return instants.parse(text) if isinstance(text, str) else None
    except Invalid:
        return None


def notices(alerts: Iterable[Entity], concerned: Collection[str], now: int, most: int = 4) -> list[dict[str, str]]:
    """What the alerts in force say that affect one of some things (ids), by language; the gravest and newest first."""
    found = []
    for alert in alerts:
        words = said.languages(alert, "name") or said.languages(alert, "description")
        if words and in_force(alert, now) and not set(said.texts(alert, "affects")).isdisjoint(concerned):
            weight = _WEIGHT.get(said.text(alert, "severity"), 2)
            issued = _instant(said.value(alert, "dateIssued")) or 0
            found.append((weight, -issued, alert.id, said.in_zh_en(words)))
    return [words for *_, words in sorted(found, key=lambda one: one[:3])][:most]
