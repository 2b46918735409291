"""What each department keeps on record. The same building, lamp post, stop, firm or community is known to several, some
of whom write into one entity and some of whom keep a record of their own under another number and spelling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import shapely

from zhicheng.demo import chance, parks
from zhicheng.demo.blocks import HOUSING, KIND_NAMES, KINDS
from zhicheng.demo.city import City
from zhicheng.demo.departments import DEPARTMENTS, owner
from zhicheng.demo.documents import Document, area, entity, link, named, point, value
from zhicheng.demo.gtfs import stop_id
from zhicheng.demo.plan import CITY, MADE_UP, Said
from zhicheng.demo.sensors import Things
from zhicheng.demo.words import Names, joined

SAME = "sameAs"
"""The relationship by which a department's own record names the entity that it is about, where it does."""
_URN = "urn:ngsi-ld:"
_CITY = "990100"


def building(row: int) -> str:
    """The shared entity of a registered building."""
    return f"{_URN}Building:ronglan:B{row + 1:05d}"


def lamp(number: str) -> str:
    """The shared entity of a lamp post."""
    return f"{_URN}Streetlight:ronglan:{number}"


def community(code: str) -> str:
    """The shared entity of an area of administration, of any level."""
    return f"{_URN}AdministrativeArea:ronglan:{code}"


def firm(row: int) -> str:
    """The shared entity of a firm."""
    return f"{_URN}Organization:ronglan:F{row + 1:05d}"


def records(city: City) -> dict[str, list[Document]]:
    """Documents by the key of the department that keeps them, in the order in which they are best told."""
    found: dict[str, list[Document]] = {}
    for department, make in _MAKERS:
        found.setdefault(department, []).extend(make(city))
    return found


def _chosen(city: City, name: str, count: int, part: float) -> list[int]:
    """Some of so many things."""
    dice = chance.generator(city.plan.seed, name)
    return np.flatnonzero(dice.random(count) < part).tolist()


def _spots(city: City, places: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> list[list[float]]:
    found: list[list[float]] = city.ground.degrees(places).tolist()
    return found


# organisations and areas ------------------------------------------------------------------------------------------


def _full(zh: str) -> str:
    return CITY.zh[:-1] + zh if zh[0] == "市" else zh


def _departments(city: City) -> Iterator[Document]:
    for one in DEPARTMENTS:
        above = link(owner(one.above)) if one.above else None
        yield entity(
            owner(one.key), "Organization", **named(Said(_full(one.zh), one.en)),
            organizationType=value(one.kind), hasParentOrganization=above,
        )  # fmt: skip


def _areas(city: City) -> Iterator[Document]:
    """Civil affairs: the areas with names, codes and borders."""
    yield entity(
        community(_CITY), "AdministrativeArea", **named(Said(CITY.zh + MADE_UP.zh, CITY.en + MADE_UP.en)),
        administrativeCode=value(_CITY), administrativeLevel=value("city"),
        location=area(city.ground.shape(shapely.simplify(city.land.boundary, 30))),
    )  # fmt: skip
    above: tuple[str, ...] = (_CITY,)
    for level in city.areas[:3]:
        for name, code, shape, parent in zip(
            level.names, level.codes, level.shapes, level.parent.tolist(), strict=True
        ):
            yield entity(
                community(code), "AdministrativeArea", **named(name), administrativeCode=value(code),
                administrativeLevel=value(level.level), hasParentArea=link(community(above[max(parent, 0)])),
                landArea=value(round(shape.area / 1e6, 3), "KMK"),
                location=area(city.ground.shape(shapely.simplify(shape, 12))),
            )  # fmt: skip
        above = level.codes


def _cells(city: City) -> Iterator[Document]:
    """Urban management: the grid cells."""
    cells, communities = city.areas[3], city.areas[2]
    for name, code, shape, parent in zip(cells.names, cells.codes, cells.shapes, cells.parent.tolist(), strict=True):
        yield entity(
            f"{_URN}GridCell:ronglan:{code}", "GridCell", **named(name), gridCode=value(code),
            inArea=link(community(communities.codes[parent])), landArea=value(round(shape.area / 1e6, 4), "KMK"),
            location=area(city.ground.shape(shapely.simplify(shape, 12))),
        )  # fmt: skip


def _people(city: City) -> Iterator[Document]:
    """Public security: who lives there, in the same entities."""
    for level in city.areas[:3]:
        for code, people in zip(level.codes, level.people.tolist(), strict=True):
            yield entity(community(code), "AdministrativeArea", population=value(people, "IE"))


def _households(city: City) -> Iterator[Document]:
    """Statistics: households, in the same entities."""
    for code, people in zip(city.areas[2].codes, city.areas[2].people.tolist(), strict=True):
        yield entity(community(code), "AdministrativeArea", households=value(round(people / 2.9), "C62"))


def _health(city: City) -> Iterator[Document]:
    """Health: service areas of its own, one a community, which say by sameAs which one; a third do not."""
    names, codes = city.areas[2].names, city.areas[2].codes
    linked = set(_chosen(city, "health", len(codes), 0.67))
    for row, (name, code) in enumerate(zip(names, codes, strict=True)):
        yield entity(
            f"{_URN}AdministrativeArea:ronglan:health:{row + 1:03d}", "AdministrativeArea",
            **named(joined(name, "卫生服务站辖区", " Health Station Area")), administrativeLevel=value("community"),
            administrativeCode=value(code), **{SAME: link(community(code)) if row in linked else None},
        )  # fmt: skip


# buildings ----------------------------------------------------------------------------------------------------------


def _planned(city: City) -> Iterator[Document]:
    """Planning: what stands where, how high."""
    sites = city.sites
    for row, (name, kind, at, spot) in enumerate(
        zip(sites.names, sites.kind.tolist(), sites.building.tolist(), _spots(city, sites.middle), strict=True)
    ):
        yield entity(
            building(row), "Building", **named(name), buildingCode=value(f"GH-{row + 1:05d}"),
            category=value([KINDS[kind]]), description=value(KIND_NAMES[kind].zh), location=point(spot),
            floorsAboveGround=value(int(city.houses.floors[at]), "C62"),
        )  # fmt: skip


def _built(city: City) -> Iterator[Document]:
    """Construction: when it was built, in the same entities."""
    for row, at in enumerate(city.sites.building.tolist()):
        under = int(city.houses.floors[at] > 8) + int(city.houses.floors[at] > 20)
        year = int(city.houses.year[at])
        yield entity(building(row), "Building", constructionYear=value(year), floorsBelowGround=value(under, "C62"))


def _housed(city: City) -> Iterator[Document]:
    """Housing: how many people homes hold, in the same entities."""
    for row, (kind, at) in enumerate(zip(city.sites.kind.tolist(), city.sites.building.tolist(), strict=True)):
        if kind == HOUSING:
            yield entity(building(row), "Building", peopleCapacity=value(int(city.houses.floors[at]) * 24, "IE"))


def _fire(city: City) -> Iterator[Document]:
    """Fire brigade: files under its own numbers and spelling; three of four say by sameAs which building."""
    chosen = _chosen(city, "fire", len(city.sites.names), 0.62)
    linked = set(_chosen(city, "fire links", len(city.sites.names), 0.75))
    nearby = city.sites.middle + chance.generator(city.plan.seed, "fire places").normal(0, 6, city.sites.middle.shape)
    spots = _spots(city, nearby)
    for number, row in enumerate(chosen):
        name = city.sites.names[row]
        yield entity(
            f"{_URN}Building:ronglan:fire:XF{number + 1:05d}", "Building",
            **named(Said(CITY.zh + name.zh + "消防档案", f"{name.en} fire file")), location=point(spots[row]),
            category=value(["fireFile"]), **{SAME: link(building(row)) if row in linked else None},
        )  # fmt: skip


def _supplied(city: City) -> Iterator[Document]:
    """Water supply: meters of buildings; controlledAsset holds the building's planning number."""
    spots = _spots(city, city.sites.middle)
    for number, row in enumerate(_chosen(city, "meters", len(city.sites.names), 0.6)):
        yield entity(
            f"{_URN}Device:ronglan:supply:SB{number + 1:05d}", "Device",
            **named(joined(city.sites.names[row], "总水表", " water meter")), category=value(["meter"]),
            controlledProperty=value(["waterConsumption"]), controlledAsset=value([f"GH-{row + 1:05d}"]),
            serialNumber=value(f"SB{number + 1:05d}"), location=point(spots[row]),
        )  # fmt: skip


def _taxed(city: City) -> Iterator[Document]:
    """Tax: property files without any link; only name and place tell which building."""
    spots = _spots(city, city.sites.middle)
    for number, row in enumerate(_chosen(city, "property tax", len(city.sites.names), 0.45)):
        name = city.sites.names[row]
        yield entity(
            f"{_URN}Building:ronglan:tax:SW{number + 1:05d}", "Building", name=value(name.zh + "（房产税）"),
            alternateName=value(f"{name.en} (property tax)"), location=point(spots[row]), category=value(["taxFile"]),
        )  # fmt: skip


# lamp posts ---------------------------------------------------------------------------------------------------------


def _lit(city: City) -> Iterator[Document]:
    """Street lighting: the posts."""
    lamps = city.living.things["lamps"]
    coded = set(_chosen(city, "codes", len(lamps.ids), city.plan.codes))
    for row, (number, spot) in enumerate(zip(lamps.ids, _spots(city, lamps.places), strict=True)):
        road = city.net.roads[int(city.net.road[lamps.piece[row]])].name
        yield entity(
            lamp(number), "Streetlight", name=value(f"{road.zh or '支路'}灯杆{number[2:]}"),
            alternateName=value(f"{road.en or 'Lane'} lamp post {number[2:]}"), location=point(spot),
            streetPoleNum=value(number), qrCode=value(f"12319-{number}") if row in coded else None,
            lanternHeight=value(6.0 + 2.0 * (5 - int(lamps.street[row])) / 2, "MTR"),
            controllingMethod=value("individual"),             status=value("ok"),
        )  # fmt: skip


def _reported(city: City) -> Iterator[Document]:
    """The hotline's own list of posts with a code: qrCode is the same, a link is there for half of them."""
    lamps = city.living.things["lamps"]
    linked = set(_chosen(city, "hotline links", len(lamps.ids), 0.5))
    spots = _spots(city, lamps.places)
    for row in _chosen(city, "codes", len(lamps.ids), city.plan.codes):
        number = lamps.ids[row]
        yield entity(
            f"{_URN}PointOfInterest:ronglan:hotline:{number}", "PointOfInterest", name=value(f"12319 扫码点 {number}"),
            alternateName=value(f"12319 code {number}"), location=point(spots[row]), category=value(["lampPost"]),
            qrCode=value(f"12319-{number}"), **{SAME: link(lamp(number)) if row in linked else None},
        )  # fmt: skip


_SENSORS = (
    ("noise", "NoiseLevelObserved", Said("噪声监测点", " noise sensor")),
    ("air", "AirQualityObserved", Said("空气监测点", " air sensor")),
)


def _measured(city: City) -> Iterator[Document]:
    """Environment: what hangs on the posts; a device's controlledAsset is the number of its post."""
    posts = city.living.things["lamps"]
    for stream, kind, said in _SENSORS:
        things = city.living.things[stream]
        for number, post, spot in zip(things.ids, things.piece.tolist(), _spots(city, things.places), strict=True):
            road = city.net.roads[int(city.net.road[posts.piece[post]])].name
            device = f"{_URN}Device:ronglan:{number}"
            name = Said(f"{road.zh}{said.zh}{number}", f"{road.en}{said.en} {number}".strip())
            yield entity(
                f"{_URN}{kind}:ronglan:{number}", kind, **named(name), location=point(spot), refDevice=link([device])
            )
            yield entity(
                device, "Device", **named(joined(name, "终端", " terminal")), category=value(["sensor"]),
                serialNumber=value(f"ZD-{number}"), controlledAsset=value([posts.ids[post]]), location=point(spot),
            )  # fmt: skip


# transport ------------------------------------------------------------------------------------------------------------


def _signs(city: City) -> Iterator[Document]:
    """Transport: stop signs at the stops that most lines serve; controlledAsset holds the stop."""
    stops = city.living.buses.stops
    served = np.bincount(
        np.concatenate([course.stops for line in city.living.buses.lines for course in line.courses]),
        minlength=len(stops.names),
    )
    spots = _spots(city, stops.places)
    for number, row in enumerate(np.argsort(-served, kind="stable")[: city.plan.signs].tolist(), 1):
        yield entity(
            f"{_URN}Device:ronglan:sign:ZP{number:03d}", "Device",
            **named(joined(stops.names[row], "电子站牌", " stop sign")), category=value(["sign"]),
            serialNumber=value(f"ZP{number:03d}"), controlledAsset=value([_stop(city, row)]),
            location=point(spots[row]),
        )  # fmt: skip


def _guarded(city: City) -> Iterator[Document]:
    """Public security: posts at bus stops, most of which say by sameAs which stop."""
    stops = city.living.buses.stops
    linked = set(_chosen(city, "guard links", len(stops.names), 0.8))
    spots = _spots(city, stops.places)
    for number, row in enumerate(_chosen(city, "guards", len(stops.names), 0.3)):
        yield entity(
            f"{_URN}PointOfInterest:ronglan:security:ZA{number + 1:04d}", "PointOfInterest",
            **named(joined(stops.names[row], "公交站治安点", " security post")), location=point(spots[row]),
            category=value(["publicSecurityPost"]), **{SAME: link(_stop(city, row)) if row in linked else None},
        )  # fmt: skip


def _shelters(city: City) -> Iterator[Document]:
    """Urban management: shelters, under the number on the stop's sign (stopCode) and without a link."""
    stops = city.living.buses.stops
    spots = _spots(city, stops.places)
    for row in _chosen(city, "shelters", len(stops.names), 0.55):
        yield entity(
            f"{_URN}PublicTransportStop:ronglan:management:{stops.codes[row]}", "PublicTransportStop",
            **named(joined(stops.names[row], "候车亭", " shelter")), stopCode=value(stops.codes[row]),
            transportationType=value([3]), location=point(spots[row]),
        )  # fmt: skip


def _stop(city: City, row: int) -> str:
    return f"{_URN}GtfsStop:{city.plan.network}:{stop_id(row)}"


def _parked(city: City) -> Iterator[Document]:
    """Traffic police: car parks, and the loops in the roads."""
    lots = city.living.parks
    room = lots.places.tolist()
    for row, (number, spot) in enumerate(zip(lots.things.ids, _spots(city, lots.things.places), strict=True)):
        site = city.sites.names[int(lots.things.piece[row])]
        yield entity(
            f"{_URN}OffStreetParking:ronglan:{number}", "OffStreetParking",
            **named(joined(site, "停车场", " Car Park")),
            location=point(spot), totalSpotNumber=value(room[row], "C62"), parkingSiteId=value(number),
            usageScenario=value([parks.KINDS[int(lots.kind[row])]]), allowedVehicleType=value(["car"]),
        )  # fmt: skip
    loops = city.living.things["flow"]
    for row, (number, spot) in enumerate(zip(loops.ids, _spots(city, loops.places), strict=True)):
        road = city.net.roads[int(city.net.road[loops.piece[row]])].name
        yield entity(
            f"{_URN}TrafficFlowObserved:ronglan:{number}", "TrafficFlowObserved",
            **named(joined(road, f"断面{number}", f" counter {number}")), location=point(spot),
        )  # fmt: skip


# air and water --------------------------------------------------------------------------------------------------------


def _stations(city: City, stream: str, kind: str, zh: str, en: str) -> Iterator[tuple[Document, Things, int]]:
    things = city.living.things[stream]
    for row, (number, spot) in enumerate(zip(things.ids, _spots(city, things.places), strict=True)):
        name = Said(f"{zh}{number}", f"{en} {number}")
        yield entity(f"{_URN}{kind}:ronglan:{number}", kind, **named(name), location=point(spot)), things, row


def _weather(city: City) -> Iterator[Document]:
    for document, _, _ in _stations(city, "weather", "WeatherObserved", "气象站", "Weather station"):
        yield document


def _river(city: City) -> Iterator[Document]:
    """Gauges; the level to be warned of falls with the river."""
    for document, things, row in _stations(city, "river", "WaterObserved", "澜江水文站", "Lan River gauge"):
        level = round(66.4 - 0.00012 * float(things.places[row, 0]), 2)
        yield document | {"warningWaterLevel": value(level, "MTR")}


# firms ----------------------------------------------------------------------------------------------------------------

_TRADES = (("商贸有限公司", " Trading Co."), ("餐饮管理有限公司", " Catering Co."), ("科技有限公司", " Technology Co."),
           ("建筑工程有限公司", " Construction Co."), ("物流有限公司", " Logistics Co."),
           ("医药有限公司", " Pharma Co."))  # fmt: skip


def _firm_names(city: City) -> list[Said]:
    dice = chance.generator(city.plan.seed, "firms")
    names = Names(dice)
    return [joined(names.next(), *_TRADES[int(dice.integers(len(_TRADES)))]) for _ in range(city.plan.firms)]


def _credit(row: int) -> str:
    """A number in the form of a unified social credit code that no one has: 99 is no registering authority."""
    return f"99990100MA{row + 10_000_000:08d}"


def _registered(city: City) -> Iterator[Document]:
    """Commerce: the register."""
    dice = chance.generator(city.plan.seed, "seats")
    seats = dice.integers(len(city.sites.names), size=city.plan.firms)
    spots = _spots(city, city.sites.middle[seats])
    for row, name in enumerate(_firm_names(city)):
        full = Said(CITY.zh + name.zh + MADE_UP.zh, name.en + MADE_UP.en)
        yield entity(
            firm(row), "Organization", **named(full), legalName=value(full.zh), organizationType=value("enterprise"),
            socialCreditCode=value(_credit(row)), location=point(spots[row]),
        )  # fmt: skip


def _inspected(city: City) -> Iterator[Document]:
    """Quality supervision: what it says of some firms, in the same entities."""
    for row in _chosen(city, "inspected", city.plan.firms, 0.4):
        yield entity(firm(row), "Organization", description=value("已备案产品标准"))


def _taxpayers(city: City) -> Iterator[Document]:
    """Tax: taxpayers of its own; taxID is the social credit code, and a third say by sameAs which firm."""
    linked = set(_chosen(city, "taxpayer links", city.plan.firms, 0.33))
    names = _firm_names(city)
    for row in _chosen(city, "taxpayers", city.plan.firms, 0.8):
        yield entity(
            f"{_URN}Organization:ronglan:tax:NS{row + 1:05d}", "Organization",
            name=value(names[row].zh.replace("有限公司", "")),
            alternateName=value(names[row].en + " (taxpayer)"), organizationType=value("enterprise"),
            taxID=value(_credit(row)), **{SAME: link(firm(row)) if row in linked else None},
        )  # fmt: skip


_MAKERS: tuple[tuple[str, Callable[[City], Iterator[Document]]], ...] = (
    ("government", _departments),
    ("traffic", _parked),
    ("weather", _weather),
    ("water", _river),
    ("civil", _areas),
    ("lighting", _lit),
    ("environment", _measured),
    ("transport", _signs),
    ("planning", _planned),
    ("construction", _built),
    ("housing", _housed),
    ("security", _people),
    ("security", _guarded),
    ("statistics", _households),
    ("health", _health),
    ("management", _cells),
    ("management", _shelters),
    ("hotline", _reported),
    ("fire", _fire),
    ("supply", _supplied),
    ("tax", _taxed),
    ("commerce", _registered),
    ("quality", _inspected),
    ("tax", _taxpayers),
)
