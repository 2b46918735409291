"""Timetables: real ones against an independent reading, and every way a zip can be wrong."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from tests.standards.gtfs.timetables import FILES, zipped
from zhicheng.kernel.errors import Invalid, TooLarge, ZhichengError
from zhicheng.kernel.zones import parse_service_time
from zhicheng.standards.gtfs import static
from zhicheng.standards.gtfs.static import Static

REAL = (
    "gtfs/cairns_gtfs.zip",
    "gtfs/nyc_subway_gtfs.zip",
    "gtfs_rt/nyct_ace_20240208/mtasbwy_static_cut.zip",
    "gtfs_rt/st_duplicated_trips/40/st.zip",
    "gtfs_rt/wmata_service_day_4/1/cut.zip",
)


@pytest.fixture(scope="module", params=REAL)
def real(request: pytest.FixtureRequest, data_folder: Path) -> tuple[Path, Static]:
    path = data_folder / str(request.param)
    if not path.exists():
        pytest.skip(f"no {path}")
    return path, static.read(path.read_bytes())


def rows_of(path: Path, name: str) -> list[dict[str, str]]:
    """A file of a zip by the standard library."""
    with zipfile.ZipFile(path) as archive, archive.open(name) as member:
        return list(csv.DictReader(io.TextIOWrapper(member, "utf-8-sig")))


def test_every_cell_equals_an_independent_reading(real: tuple[Path, Static]) -> None:
    path, timetable = real
    stops = rows_of(path, "stops.txt")
    assert timetable.stops.stop_id.list() == [row["stop_id"].strip() for row in stops]
    assert timetable.stops.stop_name.list() == [row["stop_name"].strip() for row in stops]
    assert timetable.stops.stop_lat.tolist() == [float(row["stop_lat"]) for row in stops]
    times = rows_of(path, "stop_times.txt")
    assert len(timetable.stop_times) == len(times)
    for mine, theirs in (("arrival_time", "arrival_time"), ("departure_time", "departure_time")):
        expected = [parse_service_time(row[theirs]) if row[theirs].strip() else -1 for row in times]
        assert getattr(timetable.stop_times, mine).tolist() == expected
    trips = rows_of(path, "trips.txt")
    assert timetable.trips.trip_id.list() == [row["trip_id"] for row in trips]
    assert timetable.trips.shape_id.list() == [row.get("shape_id") or None for row in trips]


def test_lookup_of_trips_equals_an_independent_one(real: tuple[Path, Static]) -> None:
    path, timetable = real
    expected: dict[str, list[tuple[int, str]]] = {}
    for row in rows_of(path, "stop_times.txt"):
        expected.setdefault(row["trip_id"], []).append((int(row["stop_sequence"]), row["stop_id"]))
    for trip in list(expected)[::97]:
        rows = timetable.visits_of(trip)
        stops = [timetable.stops.stop_id[stop] if stop >= 0 else None for stop in timetable.visits.stop[rows].tolist()]
        known = [stop if stop in timetable.stop_rows else None for _, stop in sorted(expected[trip])]
        assert stops == known
        assert timetable.visits.sequence[rows].tolist() == [number for number, _ in sorted(expected[trip])]


def test_looping_trips_equal_an_independent_count(real: tuple[Path, Static]) -> None:
    path, timetable = real
    stops: dict[str, list[str]] = {}
    for row in rows_of(path, "stop_times.txt"):
        stops.setdefault(row["trip_id"], []).append(row["stop_id"])
    ids = timetable.trips.trip_id.list()
    known = {trip: [stop for stop in some if stop in timetable.stop_rows] for trip, some in stops.items()}
    looping = {trip for trip, some in known.items() if len(set(some)) < len(some)}
    assert looping == {ids[row] for row in np.flatnonzero(timetable.looping).tolist()}


def test_services_equal_an_independent_count(real: tuple[Path, Static]) -> None:
    path, timetable = real
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    week = rows_of(path, "calendar.txt") if "calendar.txt" in names else []
    extra = rows_of(path, "calendar_dates.txt") if "calendar_dates.txt" in names else []
    for text in ("20140609", "20240208", "20240210", "20250101", "20230528", "20241225"):
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
        expected = {
            row["service_id"]
            for row in week
            if row[static.WEEKDAYS[day.weekday()]] == "1" and row["start_date"] <= text <= row["end_date"]
        }
        expected |= {row["service_id"] for row in extra if row["date"] == text and row["exception_type"] == "1"}
        expected -= {row["service_id"] for row in extra if row["date"] == text and row["exception_type"] == "2"}
        assert timetable.services_on(day) == expected
        assert timetable.trips_on(day).tolist() == [one in expected for one in timetable.trips.service_id.list()]


def test_arrow_tables_and_back(real: tuple[Path, Static]) -> None:
    tables = static.to_tables(real[1])
    again = static.to_tables(static.from_tables(tables))
    assert tables.keys() == again.keys()
    assert all(again[name].equals(table) for name, table in tables.items())


def test_shapes_run_from_first_to_last_point(real: tuple[Path, Static]) -> None:
    _, timetable = real
    for name in timetable.shapes.shape_id.values[::25]:
        shape = timetable.shape(name)
        assert shape is not None
        assert (np.diff(shape.metres) >= 0).all()
        assert shape.metres[0] == 0


def test_small_timetable() -> None:
    timetable = static.read(zipped())
    shape = timetable.shape("s1")
    assert shape is not None
    assert shape.lon.tolist() == [0.0, 0.02, 0.03]
    assert timetable.shape("nothing") is None
    assert timetable.visits_of("nothing") == slice(0, 0)
    assert timetable.visits.departure[timetable.visits_of("t2")].tolist() == [90600, 90840, 90960]
    assert timetable.looping.tolist() == [False, False, False, True]
    assert timetable.services_on(date(2024, 7, 4)) == frozenset()
    assert timetable.services_on(date(2024, 7, 6)) == {"week", "extra"}
    assert timetable.services_on(date(2025, 7, 4)) == frozenset()


def test_text_of_other_producers() -> None:
    """Byte-order mark, GB 18030, spaces, quotes with line ends, Windows line ends, unknown columns, -999."""
    text = "\ufeffstop_id , stop_name,stop_lat,stop_lon,location_type,their_own\r\n"
    text += ' A,"人民\r\n广场", 31.2 ,121.5,-999,x\r\n'
    for encoded in (text.encode(), text.encode("gb18030"), text.removeprefix("\ufeff").encode("gb18030")):
        stops = static.read(zipped(stops=encoded)).stops
        assert stops.stop_id.list() == ["A"]
        assert stops.stop_name.list() == ["人民\r\n广场"]
        assert stops.stop_lat.tolist() == [31.2]
        assert stops.location_type.tolist() == [-1]


def test_what_names_nothing_is_counted() -> None:
    times = FILES["stop_times.txt"] + "ghost,08:00:00,08:00:00,A,1\nt1,09:00:00,09:00:00,Z,9\n"
    timetable = static.read(zipped(stop_times=times))
    assert timetable.dangling == {"stop_times.trip_id": 1, "stop_times.stop_id": 1}
    assert timetable.visits.stop[timetable.visits_of("t1")].tolist()[-1] == -1


def changed(file: str, old: str, new: str) -> dict[str, str | bytes | None]:
    assert old in FILES[f"{file}.txt"]
    return {file: FILES[f"{file}.txt"].replace(old, new, 1)}


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty body"),
    "html": (lambda: b"<!DOCTYPE html><html></html>", "not a readable zip"),
    "cut off": (lambda: zipped()[:-200], "not a readable zip"),
    "flipped": (lambda: zipped().replace(b"PK\x03\x04", b"PK\x03\x05", 1), "not a readable zip"),
    "no stops": (lambda: zipped(stops=None), "no stops.txt"),
    "no agency": (lambda: zipped(agency=None), "no agency.txt"),
    "no calendar": (lambda: zipped(calendar=None, calendar_dates=None), "neither calendar.txt nor"),
    "empty file": (lambda: zipped(stops=""), "stops.txt is empty"),
    "header only": (lambda: zipped(stops="stop_id,stop_name,stop_lat,stop_lon\n"), "stops.txt has no row"),
    "column missing": (lambda: zipped(stops="stop_id,stop_lat\nA,1\n"), "no column stop_lon"),
    "column twice": (lambda: zipped(stops="stop_id,stop_lat,stop_lon,stop_id\nA,1,2,A\n"), "names a column twice"),
    "row too long": (lambda: zipped(stops="stop_id,stop_lat,stop_lon\nA,1,2,3\n"), "not well-formed CSV"),
    "bad number": (lambda: zipped(**changed("stops", "0.01", "east")), "stops.txt line 3: stop_lon 'east'"),
    "NaN": (lambda: zipped(**changed("stops", "0.01", "NaN")), "stops.txt line 3"),
    "infinite": (lambda: zipped(**changed("stops", "0.01", "inf")), "stops.txt line 3"),
    "no place": (lambda: zipped(**changed("stops", "0.01", "")), "stops.txt line 3"),
    "off the globe": (lambda: zipped(**changed("stops", "0.01", "181")), "not a longitude and latitude"),
    "shape off the globe": (lambda: zipped(**changed("shapes", "0.001", "91")), "shapes.txt line 4"),
    "stop twice": (lambda: zipped(**changed("stops", "\nB,", "\nA,")), "stop_id 'A' more than once"),
    "no id": (lambda: zipped(**changed("trips", "t2", "")), "trips.txt line 3: trip_id is empty"),
    "bad time": (lambda: zipped(**changed("stop_times", "08:02:00", "8 o'clock")), 'arrival_time "8 o\'clock"'),
    "bad day": (lambda: zipped(**changed("calendar", "20240101", "20240230")), "start_date '20240230'"),
    "bad whole": (lambda: zipped(**changed("stop_times", "C,5", "C,five")), "stop_sequence 'five'"),
    "huge whole": (lambda: zipped(**changed("stop_times", "C,5", "C,99999999999")), "stop_sequence"),
    "bad zone": (lambda: zipped(**changed("agency", "America/New_York", "Mars/Olympus")), "not a time zone"),
    "neither encoding": (lambda: zipped(stops=b"stop_id,stop_lat,stop_lon\n\xff\xff\xff,1,2\n"), "neither UTF-8 nor"),
    "other binary": (lambda: zipped(stops=b"\x00\x01\x02" * 100), "stops.txt"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_timetables(case: str) -> None:
    body, words = BAD[case]
    with pytest.raises(Invalid) as caught:
        static.read(body())
    assert words in caught.value.en
    assert caught.value.zh != caught.value.en


def test_zip_bomb_stops_at_the_limit() -> None:
    body = zipped(shapes=b"0" * 30_000_000)
    assert len(body) < 100_000
    with pytest.raises(TooLarge, match="unpacked"):
        static.read(body, limit=10_000_000)


def test_zip_of_many_files() -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        for number in range(10_001):
            archive.writestr(str(number), b"")
    with pytest.raises(TooLarge):
        static.read(body.getvalue())


def test_names_with_folders_are_ignored() -> None:
    body = io.BytesIO(zipped(stops=None))
    with zipfile.ZipFile(body, "a") as archive:
        for name in ("../stops.txt", "/stops.txt", "sub/stops.txt", "C:\\stops.txt"):
            archive.writestr(name, FILES["stops.txt"])
    with pytest.raises(Invalid, match=r"no stops\.txt"):
        static.read(body.getvalue())


def test_a_file_twice() -> None:
    body = io.BytesIO(zipped())
    with zipfile.ZipFile(body, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("stops.txt", FILES["stops.txt"])
    with pytest.raises(Invalid, match="twice"):
        static.read(body.getvalue())


def test_any_byte_flipped_reads_or_is_refused() -> None:
    whole, refused = bytearray(zipped()), 0
    for at in range(0, len(whole), 7):
        broken = bytearray(whole)
        broken[at] ^= 0x55
        try:
            static.read(bytes(broken))
        except ZhichengError:
            refused += 1
    assert refused > len(whole) // 7 // 2
