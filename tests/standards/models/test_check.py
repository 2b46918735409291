"""What breaks a model is found, named and put in words, entity by entity and row by row alike."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhicheng.kernel.columns import Coded
from zhicheng.standards.changes import Act, Changes, ChangesBuilder, Form
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.standards.models.check import check, check_value
from zhicheng.standards.models.column_check import check_columns, explain, models_of
from zhicheng.standards.models.model import Model
from zhicheng.standards.models.names import term
from zhicheng.standards.models.violations import quality_of
from zhicheng.standards.ngsild.model import Attribute, Entity, Json, Kind, Quality

CATALOGUE = Catalogue.builtin()
POINT: Json = {"type": "Point", "coordinates": [117.0, 36.6]}
P, R, G = Kind.PROPERTY, Kind.RELATIONSHIP, Kind.GEO


def model(name: str) -> Model:
    found = CATALOGUE.model(term(name))
    assert found
    return found


def entity(name: str, /, **attributes: Attribute) -> Entity:
    instances = {term(attribute): [instance] for attribute, instance in attributes.items()}
    return Entity(f"urn:ngsi-ld:{name}:1", (term(name),), instances)


RIGHT = [
    ("Vehicle", "speed", Attribute(P, 31.5)),
    ("Vehicle", "speed", Attribute(P, 31)),
    ("Vehicle", "speed", Attribute(P, 27.7, unit="MTS")),  # 99.7 km/h
    ("Vehicle", "location", Attribute(G, POINT)),
    ("Vehicle", "hasStop", Attribute(R, "urn:ngsi-ld:GtfsStop:1")),
    ("Vehicle", "hasStop", Attribute(R, ["urn:ngsi-ld:GtfsStop:1", "urn:ngsi-ld:公交站:2"])),
    ("Vehicle", "hasStop", Attribute(Kind.LIST_RELATIONSHIP, ["urn:ngsi-ld:GtfsStop:1"])),
    ("Vehicle", "category", Attribute(P, "public")),  # a list of one
    ("Vehicle", "name", Attribute(Kind.LANGUAGE, {"zh": "1路", "en": "Line 1"})),
    (
        "Vehicle",
        "current_status",
        Attribute(Kind.VOCABULARY, "https://uri.etsi.org/ngsi-ld/default-context/STOPPED_AT"),
    ),
    ("OffStreetParking", "status", Attribute(Kind.LIST, ["open", "almostFull"])),
    ("WeatherObserved", "temperature", Attribute(P, 95, unit="FAH")),  # 35 °C
    ("WeatherObserved", "relativeHumidity", Attribute(P, 55, unit="P1")),
    ("GtfsStop", "locationType", Attribute(P, 1)),
    ("KeyPerformanceIndicator", "kpiValue", Attribute(P, "any value at all")),
    ("Building", "address", Attribute(Kind.JSON, {"addressLocality": "示例市"})),
]
WRONG = [
    # type, attribute, value, path, English, Chinese, quality
    ("Vehicle", "speed", Attribute(P, -5), "speed", "-5 is below 0, the lowest value", "-5 低于最小值 0",
     Quality.RANGE),
    ("Vehicle", "bearing", Attribute(P, 361), "bearing", "361 is above 360, the highest value", "361 高于最大值 360",
     Quality.RANGE),
    ("Vehicle", "speed", Attribute(P, "fast"), "speed", "'fast' is not of type number", "'fast' 的类型不是数字",
     Quality.MODEL),
    ("Vehicle", "speed", Attribute(P, True), "speed", "True is not of type number", "True 的类型不是数字",
     Quality.MODEL),
    ("Vehicle", "speed", Attribute(P, 21, unit="CEL"), "speed", "unit CEL cannot be converted to the model's KMH",
     "单位 CEL 不能换算为模型的 KMH", Quality.MODEL),
    ("Vehicle", "hasTrip", Attribute(P, "urn:x:1"), "hasTrip", "is a Property; the model has a Relationship",
     "为属性，而模型规定为关系", Quality.MODEL),
    ("Vehicle", "location", Attribute(P, "here"), "location", "is a Property; the model has a GeoProperty",
     "为属性，而模型规定为地理属性", Quality.MODEL),
    ("Vehicle", "current_stop_sequence", Attribute(P, 1.5), "current_stop_sequence", "1.5 is not of type integer",
     "1.5 的类型不是整数", Quality.MODEL),
    ("Vehicle", "current_status", Attribute(P, "LOST"), "current_status",
     "'LOST' is not one of INCOMING_AT, STOPPED_AT, IN_TRANSIT_TO",
     "'LOST' 不在允许的取值 INCOMING_AT、STOPPED_AT、IN_TRANSIT_TO 之内", Quality.MODEL),
    ("GtfsStop", "locationType", Attribute(P, 9), "locationType", "9 is not one of 0, 1, 2, 3, 4",
     "9 不在允许的取值 0、1、2、3、4 之内", Quality.MODEL),
    ("Vehicle", "observationDateTime", Attribute(P, "2026-03-02 08:00"), "observationDateTime",
     "'2026-03-02 08:00' is not a date-time with zone, such as 2026-03-02T08:00:00Z",
     "'2026-03-02 08:00' 不是带时区的日期时间，例如 2026-03-02T08:00:00Z", Quality.MODEL),
    ("Vehicle", "start_date", Attribute(P, "2 March"), "start_date", r"'2 March' does not have the form ^\d{8}$",
     r"'2 March' 不符合格式 ^\d{8}$", Quality.MODEL),
    ("Building", "address", Attribute(P, {"postalCode": 250000}), "address.postalCode",
     "250000 is not of type string", "250000 的类型不是文本", Quality.MODEL),
    ("OffStreetParking", "status", Attribute(P, ["open", "ajar"]), "status.1",
     "'ajar' is not one of open, closed, closedAbnormal, openingTimesInForce, full, fullAtEntrance, spacesAvailable, "
     "almostFull",
     "'ajar' 不在允许的取值 open、closed、closedAbnormal、openingTimesInForce、full、fullAtEntrance、spacesAvailable、"
     "almostFull 之内", Quality.MODEL),
    ("WeatherObserved", "temperature", Attribute(P, 200, unit="FAH"), "temperature",
     "93.33333333 is above 65, the highest value", "93.33333333 高于最大值 65", Quality.RANGE),
]  # fmt: skip  # one case a row


@pytest.mark.parametrize(("name", "attribute", "instance"), RIGHT)
def test_what_fits_is_let_through(name: str, attribute: str, instance: Attribute) -> None:
    assert check(entity(name, **{attribute: instance}), model(name), partial=True) == []


@pytest.mark.parametrize(("name", "attribute", "instance", "path", "en", "zh", "quality"), WRONG)
def test_what_does_not_fit_is_said(
    name: str, attribute: str, instance: Attribute, path: str, en: str, zh: str, quality: Quality
) -> None:
    (found,) = check(entity(name, **{attribute: instance}), model(name), partial=True)
    assert (found.path, found.en, found.zh, found.quality) == (path, en, zh, quality)
    assert found.text("en") == f"{path}: {en}"
    assert found.text("zh") == f"{path}：{zh}"


def test_a_required_attribute_is_missed_only_in_a_whole_entity_and_told_once() -> None:
    (found,) = check(entity("ParkingSpot"), model("ParkingSpot"))
    assert (found.path, found.en, found.zh) == ("status", "status (status) is missing", "缺少 status（状态）")
    assert check(entity("ParkingSpot"), model("ParkingSpot"), partial=True) == []
    (found,) = check(entity("ParkingSpot", status=Attribute(R, "urn:x:free")), model("ParkingSpot"))
    assert found.en == "is a Relationship; the model has a Property"


def test_every_instance_of_an_attribute_is_checked() -> None:
    vehicle = entity("Vehicle")
    vehicle.attributes[term("speed")] = [Attribute(P, 30), Attribute(P, 2000, dataset="urn:x:radar"), Attribute(P, "x")]
    assert [found.quality for found in check(vehicle, model("Vehicle"))] == [Quality.RANGE, Quality.MODEL]


def test_attributes_the_model_does_not_have_are_free() -> None:
    vehicle = entity("Vehicle")
    vehicle.attributes["https://example.org/mood"] = [Attribute(P, {"any": "thing"})]
    assert check(vehicle, model("Vehicle")) == []


def rows(cases: list[tuple[str, str, Attribute]]) -> Changes:
    """Each case as one row of the log, of an entity of its own."""
    builder = ChangesBuilder()
    for ordinal, (name, attribute, instance) in enumerate(cases):
        urn = f"urn:ngsi-ld:{name}:{ordinal}"
        builder.types[urn] = (term(name),)
        form, number, text = stored(instance)
        builder.add(urn, term(attribute), kind=instance.kind, form=form, number=number, text=text, unit=instance.unit)
    return builder.build()


def stored(instance: Attribute) -> tuple[Form, float, str | None]:
    value = instance.value
    if isinstance(value, bool):
        return Form.BOOLEAN, float(value), None
    if isinstance(value, int | float):
        return Form.NUMBER, float(value), None
    if isinstance(value, str):
        return Form.TEXT, math.nan, value
    return Form.JSON, math.nan, json.dumps(value)


def test_rows_get_the_bits_their_values_deserve() -> None:
    right = rows(RIGHT)
    assert check_columns(right, *models_of(right, CATALOGUE, {})).tolist() == [0] * len(RIGHT)
    wrong = rows([(name, attribute, instance) for name, attribute, instance, *_ in WRONG])
    models, which = models_of(wrong, CATALOGUE, {})
    assert check_columns(wrong, models, which).tolist() == [int(case[-1]) for case in WRONG]
    for row, (name, *_, path, _en, zh, _quality) in enumerate(WRONG):
        assert [(found.path, found.zh) for found in explain(wrong, row, model(name))] == [(path, zh)]


VALUES = st.one_of(
    st.booleans(),
    st.integers(-1000, 1000),
    st.floats(-1e4, 1e4),
    st.sampled_from(["free", "STOPPED_AT", "urn:x:1", "2026-03-02T00:00:00Z", "20260302", "公交", "open"]),
    st.lists(st.sampled_from(["open", "ajar", 3]), max_size=2),
    st.dictionaries(st.sampled_from(["postalCode", "streetAddress"]), st.sampled_from(["250000", 250000]), max_size=2),
)
UNITS = st.sampled_from([None, None, "KMH", "MTS", "CEL", "FAH", "P1", "C62", "SEC", "MTR", "KMT", "XYZ"])


DRAWN = [
    model(name)
    for name in (
        "ArrivalEstimation",
        "Building",
        "GtfsStop",
        "OffStreetParking",
        "ParkingSpot",
        "Vehicle",
        "WeatherObserved",
    )
]


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, str, Attribute]:
    of = draw(st.sampled_from(DRAWN))
    attribute = draw(st.sampled_from([each for each in of.attributes.values() if each.kind is P]))
    return of.name, attribute.name, Attribute(P, draw(VALUES), unit=draw(UNITS))


@given(st.lists(cases(), max_size=30))
def test_columns_and_entities_are_judged_alike(drawn: list[tuple[str, str, Attribute]]) -> None:
    changes = rows(drawn)
    bits = check_columns(changes, *models_of(changes, CATALOGUE, {}))
    for row, (name, attribute, instance) in enumerate(drawn):
        of = model(name)
        found = check_value(instance, of.attributes[term(attribute)], of)
        assert bits[row] == quality_of(found), found


def test_rows_without_a_value_a_model_or_a_known_attribute_get_no_bit() -> None:
    builder = ChangesBuilder()
    builder.types["urn:x:v"] = (term("Vehicle"),)
    speed = term("speed")
    builder.add("urn:x:v", speed, act=Act.REMOVE)
    builder.add("urn:x:v", speed, act=Act.ERASE, form=Form.NUMBER, number=-1)
    builder.add("urn:x:v", "https://example.org/mood", form=Form.TEXT, text="good")
    builder.add("urn:x:nobody", speed, form=Form.NUMBER, number=-1)
    builder.add("urn:x:v", None, kind=Kind.SCOPE, form=Form.JSON, text='["/a"]')
    builder.add("urn:x:known", speed, form=Form.NUMBER, number=-1)
    changes = builder.build()
    models, which = models_of(changes, CATALOGUE, {"urn:x:known": ("https://example.org/T", term("Vehicle"))})
    assert check_columns(changes, models, which).tolist() == [0, 0, 0, 0, 0, Quality.RANGE]
    assert explain(changes, 0, model("Vehicle")) == explain(changes, 2, model("Vehicle")) == []
    nothing = changes.take(np.zeros(0, np.intp))
    assert check_columns(nothing, *models_of(nothing, CATALOGUE, {})).tolist() == []
    assert check_columns(changes, [], np.full(3, -1, np.int32)).tolist() == [0] * 6


def test_a_plain_column_of_readings_is_judged_by_number_alone() -> None:
    count = 10_000
    entities = Coded.of(f"urn:ngsi-ld:AirQualityObserved:{row % 500}" for row in range(count))
    number = np.where(np.arange(count) % 100 == 7, -3.0, 21.0)
    changes = Changes.of_readings(
        entities, Coded.constant(term("pm25"), count), np.arange(count), number, unit=Coded.constant("GQ", count)
    )
    changes.types = dict.fromkeys(entities.values, (term("AirQualityObserved"),))
    bits = check_columns(changes, *models_of(changes, CATALOGUE, {}))
    assert np.array_equal(bits == Quality.RANGE, number < 0)
    assert set(np.unique(bits)) == {0, Quality.RANGE}
