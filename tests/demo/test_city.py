"""The city of a seed: the same each time, whole, connected, with nothing that is not within its parent."""

from __future__ import annotations

import hashlib
import json
import pickle

import numpy as np
import shapely

from zhicheng.demo import basemap, city, documents, records
from zhicheng.demo.areas import LEVELS
from zhicheng.demo.city import City
from zhicheng.demo.cityfile import REGISTERS
from zhicheng.demo.plan import Plan
from zhicheng.demo.streets import CLASSES, components
from zhicheng.demo.timetable import fleet_sizes


def digest(made: City) -> str:
    found = hashlib.sha256(basemap.collection(made))
    for kept in records.records(made).values():
        found.update(documents.lines(kept))
    return found.hexdigest()


def test_a_seed_makes_the_same_city_and_another_seed_another(made: City) -> None:
    assert digest(city.make(made.plan)) == digest(made)
    assert digest(city.make(Plan(seed=8, buildings=4000))) != digest(made)


def test_the_streets_hang_together_and_cross_the_river(made: City) -> None:
    net = made.net
    label = components(np.stack([net.start, net.end]), len(net.nodes))
    assert len(np.unique(label)) == 1
    assert set(np.unique(net.kind)) == set(range(len(CLASSES)))
    assert 6 <= net.bridge.sum() <= 80
    assert all(np.allclose(net.lines[row][[0, -1]].round(1), net.nodes[[net.start[row], net.end[row]]], atol=0.11)
               for row in range(0, len(net.start), 97))  # fmt: skip


def test_areas_fill_the_city_and_lie_within_their_parents(made: City) -> None:
    assert tuple(level.level for level in made.areas) == LEVELS
    assert [len(level.names) for level in made.areas] == [6, 26, 111, 520]
    for level in made.areas:
        assert abs(sum(shape.area for shape in level.shapes) / made.land.boundary.area - 1) < 1e-6
        assert len(set(level.codes)) == len(set(level.names)) == len(level.codes)
    for above, level in zip(made.areas, made.areas[1:], strict=False):
        assert all(code.startswith(above.codes[parent]) for code, parent in zip(level.codes, level.parent, strict=True))
        assert np.bincount(level.parent, level.people).tolist() == above.people.tolist()


def test_buildings_stand_on_dry_ground_beside_the_streets(made: City) -> None:
    wet = made.land.water
    assert len(made.houses.shapes) == made.plan.buildings
    assert not any(wet.contains(shapely.Point(*middle)) for middle in made.houses.middle[::53])


def test_every_line_has_its_stops_in_order_and_the_fleet_is_whole(made: City) -> None:
    lines = made.living.buses.lines
    assert (len(lines), sum(fleet_sizes(made.plan, made.living.buses))) == (60, 600)
    for line in lines:
        for course in line.courses:
            long = float(np.hypot(*np.diff(course.line, axis=0).T).sum())
            assert len(course.stops) > 5 and (np.diff(course.metres) > 0).all() and course.metres[-1] <= long
    served = {stop for line in lines for course in line.courses for stop in course.stops.tolist()}
    assert served == set(range(len(made.living.buses.stops.names)))


def test_the_base_map_says_that_it_is_made_up_and_draws_no_border(made: City) -> None:
    document = json.loads(basemap.collection(made))
    layers = {feature["properties"]["layer"] for feature in document["features"]}
    assert layers == set(basemap.LAYERS)
    assert "模拟" in document["attribution"]
    assert not any("boundary" in str(feature["properties"]) for feature in document["features"])


def test_each_department_that_hands_over_records_has_some(made: City) -> None:
    assert set(records.records(made)) == set(REGISTERS)


def test_what_goes_on_living_is_small(made: City) -> None:
    assert len(pickle.dumps(made.living)) < 20_000_000
