from __future__ import annotations

import numpy as np
import orjson

from tests.apps.seen import entity
from zhicheng.analysis.forecast import HORIZONS
from zhicheng.analysis.outlook import outlook, written
from zhicheng.standards.ngsild.model import Entity

PLACE = {"type": "Point", "coordinates": [108.3, 22.8]}


def thing(told: object, count: object = 7, place: object = PLACE) -> Entity:
    return entity("OffStreetParking", "urn:p", 60, availableSpotNumber=count, told=told, location=place)


def test_what_was_written_is_read_again() -> None:
    centre = np.array([[12.0, 11, 9, 4]])
    text = written("free", np.array([60]), centre, centre - 3, centre + 3)[0] or ""
    found = outlook("free", [thing(orjson.loads(text))], "availableSpotNumber", "told")
    assert (found.lon.tolist(), found.lat.tolist(), found.issued.tolist(), found.free.tolist()) == (
        [108.3],
        [22.8],
        [60],
        [7.0],
    )
    assert (found.centre.tolist(), found.low.tolist()) == (centre.tolist(), (centre - 3).tolist())


def test_what_others_wrote_and_cannot_be_read_is_not_known() -> None:
    horizons = len(HORIZONS)
    unread: list[object] = [None, "soon", [7] * horizons, [{}], [{"free": "many"}] * horizons]
    odd = [thing(told) for told in unread]
    sound = [{"free": 1, "low": 0, "high": 2}] * horizons
    found = outlook("free", [*odd, thing(sound, "many", {"type": "Point"})], "availableSpotNumber", "told")
    assert np.isnan(found.centre).all() and found.centre.shape == (6, horizons)
    assert np.isnan(found.free).tolist() == np.isnan(found.lon).tolist() == [False] * 5 + [True]
    assert outlook("free", [], "availableSpotNumber", "told").high.shape == (0, horizons)
