from __future__ import annotations

from tests.compute.moving import rows
from zhicheng.compute.fleet import Fleet, Kept, Patience
from zhicheng.compute.rows import Rows
from zhicheng.compute.state import pack, unpack
from zhicheng.kernel.instants import SECOND
from zhicheng.standards.changes import Changes

BUS, TRIP, STOP = "urn:ngsi-ld:Vehicle:x:1", "urn:ngsi-ld:GtfsTrip:x:t", "urn:ngsi-ld:GtfsStop:x:"


def fleet(kept: Kept) -> Fleet:
    made: list[Changes] = []
    return Fleet(kept, {}, "", Patience(30, 300, 1800), lambda *parts: " ".join(map(str, parts)), made)


def at(second: int, stop: str) -> Rows:
    now = second * SECOND
    words = (("hasTrip", TRIP), ("hasStop", STOP + stop), ("current_status", "STOPPED_AT"))
    return rows(*((now, BUS, name, text, now) for name, text in words))


def looked_at(followed: Fleet, said: Rows) -> list[list[str]]:
    return [[followed.vehicles.names[slot] for slot in slots.tolist()] for slots, _ in followed.take(said)]


def test_a_vehicle_that_reports_is_looked_at_and_all_are_when_it_is_due() -> None:
    kept = Kept()
    assert looked_at(fleet(kept), at(0, "a")) == [[BUS], [BUS]]
    assert looked_at(fleet(kept), at(10, "b")) == [[BUS]]
    kept = unpack(pack(kept), Kept())
    followed = fleet(kept)
    assert looked_at(followed, at(40, "c")) == [[BUS], [BUS]]
    assert followed.stops(kept.fleet.slots(at(0, "a").entity)[:1], kept.fleet["place"][:1]) == ["c"]


def test_who_runs_a_trip_that_is_called_off_is_nowhere_until_it_runs_after_all() -> None:
    kept = Kept()
    looked_at(fleet(kept), at(0, "a"))
    for second, relation, seen in ((5, "CANCELED", []), (10, "SCHEDULED", [BUS])):
        said = rows((second * SECOND, TRIP, "schedule_relationship", relation, second * SECOND))
        assert looked_at(fleet(kept), said) == []
        assert looked_at(fleet(kept), at(second + 1, "a")) == [seen]


def test_the_silent_and_the_removed_are_given_up() -> None:
    for end in (rows((9, BUS, None, None, 9)), rows((1900 * SECOND, BUS + "2", "hasStop", STOP + "a", 1900 * SECOND))):
        kept = Kept()
        looked_at(fleet(kept), at(0, "a"))
        looked_at(fleet(kept), end)
        assert BUS not in kept.fleet.names and BUS not in kept.said
