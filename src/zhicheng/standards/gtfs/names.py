"""Stops and lines as people name them: found by id, NETWORK:STOP or code; their names, colours and order."""

from __future__ import annotations

import re
from urllib.parse import quote

from zhicheng.kernel.errors import Invalid, NotFound
from zhicheng.standards.gtfs.arrivals import named
from zhicheng.standards.models import said
from zhicheng.standards.models.seen import Seen
from zhicheng.standards.ngsild.model import Entity, Json

_MOST_STOPS, _LONGEST = 20, 400


def urn_of(kind: str, text: str) -> str:
    """The URN of a stop, line or trip that is given as such, or as NETWORK:ID.

    >>> urn_of("GtfsRoute", "x:7 路"), urn_of("GtfsRoute", "urn:x:7")
    ('urn:ngsi-ld:GtfsRoute:x:7%20%E8%B7%AF', 'urn:x:7')
    """
    short = ":".join(quote(part, safe="%") for part in text.split(":", 1))
    return text if text.startswith("urn:") else f"urn:ngsi-ld:{kind}:{short}"


def line_urn(text: str) -> str:
    """A line's URN: given as such, or as NETWORK:LINE."""
    if not 0 < len(text) <= _LONGEST or ":" not in text:
        raise Invalid("Say which line: its id, or NETWORK:LINE", "请指定线路：标识或 网络:线路", parameter="line")
    return urn_of("GtfsRoute", text)


def stops_of(seen: Seen, text: str) -> list[Entity]:
    """Stops by URN, NETWORK:STOP or code, with commas between; a station has its platforms.

    One that is given by its URN and of which nothing is known has no attributes.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not 0 < len(names) <= _MOST_STOPS:
        raise Invalid(
            f"Say which stop, or up to {_MOST_STOPS} with commas between",
            f"请指定站点，最多 {_MOST_STOPS} 个，以逗号分隔",
            parameter="stop",
        )
    found = {stop.id: stop for name in names for stop in _stops(seen, name)}
    below = {stop.id: stop for stop in seen.some("GtfsStop", "hasParentStation", found)}
    return [*(found | below).values()]


def _stops(seen: Seen, name: str) -> list[Entity]:
    if ":" in name:
        urn = urn_of("GtfsStop", name)
        return [seen.one(urn) or Entity(urn, ())]
    coded = seen.some("GtfsStop", "code", [name])
    if not coded:
        raise NotFound(f"No stop has the code {name[:80]!r}", f"没有编号为 {name[:80]!r} 的站点", stop=name[:80])
    return coded


def both(entity: Entity | None, urn: str) -> dict[str, Json]:
    """The name of a stop or line in both languages; the end of its URN where it has none."""
    return {**(said.in_zh_en(said.languages(entity, "name")) or dict.fromkeys(("zh", "en"), named(urn)[1]))}


def short(route: Entity | None, urn: str) -> str:
    """What people call a line."""
    return said.text(route, "shortName") or said.text(route, "name") or named(urn)[1]


def colour(route: Entity | None) -> str | None:
    """A line's colour as #rrggbb, if it has one."""
    found = said.text(route, "routeColor").lstrip("#")
    return f"#{found}" if re.fullmatch(r"[0-9A-Fa-f]{6}", found) else None


def counted(line: str) -> list[tuple[int, str]]:
    """What to sort lines by, such that names with numbers are in the order of the numbers.

    >>> sorted(["12路", "2路", "A2", "A"], key=counted)
    ['2路', '12路', 'A', 'A2']
    """
    return [(int(part), "") if part.isdecimal() else (10**9, part) for part in re.findall(r"\d+|\D+", line)]
