"""A small timetable to build zips from in tests: two routes of one line of stops, one of them without a shape."""

from __future__ import annotations

import io
import zipfile

FILES = {
    "agency.txt": "agency_name,agency_url,agency_timezone\nMetro,http://metro.example,America/New_York\n",
    "stops.txt": "stop_id,stop_name,stop_lat,stop_lon\nA,First,0.0,0.00\n"
    "B,Second,0.0,0.01\nC,Third,0.0,0.03\nD,Far,0.5,0.5\n",
    "routes.txt": "route_id,route_short_name,route_long_name,route_type\n1,1,Main,3\n2,2,Other,1\n",
    "trips.txt": (
        "route_id,service_id,trip_id,trip_headsign,shape_id\n1,week,t1,Third,s1\n1,week,t2,First,s2\n2,week,t3,Third,\n"
        "1,week,loop,First,\n"
    ),
    "stop_times.txt": (
        "trip_id,arrival_time,departure_time,stop_id,stop_sequence\n"
        "t1,08:00:00,08:00:00,A,1\nt1,08:02:00,08:02:00,B,2\nt1,08:06:00,08:06:00,C,5\n"
        "t2,25:10:00,25:10:00,C,1\nt2,25:14:00,25:14:00,B,2\nt2,25:16:00,25:16:00,A,3\n"
        "t3,09:00:00,09:00:00,A,1\nt3,,,B,2\nt3,09:06:00,09:06:00,C,3\n"
        "loop,10:00:00,10:00:00,A,1\nloop,10:02:00,10:02:00,B,2\nloop,10:04:00,10:04:00,A,3\n"
    ),
    "shapes.txt": (
        "shape_id,shape_pt_lat,shape_pt_lon,shape_pt_sequence\n"
        "s1,0.0,0.03,30\ns1,0.0,0.00,10\ns1,0.001,0.02,20\ns2,0.0,0.03,1\ns2,0.0,0.00,2\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "week,1,1,1,1,1,0,0,20240101,20241231\n"
    ),
    "calendar_dates.txt": "service_id,date,exception_type\nweek,20240704,2\nweek,20240706,1\nextra,20240706,1\n",
}


def zipped(**changed: str | bytes | None) -> bytes:
    """The timetable as a zip; `stops=...` puts another text for stops.txt, None leaves it out."""
    files: dict[str, str | bytes | None] = {**FILES, **{f"{name}.txt": text for name, text in changed.items()}}
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            if text is not None:
                archive.writestr(name, text)
    return body.getvalue()
