from __future__ import annotations

import datetime

import pyarrow as pa
import pytest

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import ABSENT
from zhicheng.sensing.times import BAD_TIME, NO_SUCH_HOUR, NO_ZONE, Reason, instants_of

GOOD = [
    ("2024-02-08T12:59:15Z", "iso", None, "2024-02-08T12:59:15Z"),
    ("2024-02-08 20:59:15.25+08:00", "iso", None, "2024-02-08T12:59:15.250Z"),
    ("20240208T125915Z", "iso", None, "2024-02-08T12:59:15Z"),
    ("2024-02-08T12:59:15.123456789Z", "iso", None, "2024-02-08T12:59:15.123456Z"),
    ("2024-02-08", "iso", "Asia/Shanghai", "2024-02-07T16:00:00Z"),
    ("2024-02-08 20:59", "iso", "Asia/Shanghai", "2024-02-08T12:59:00Z"),
    ("2024-02-08T24:00:00Z", "iso", None, "2024-02-09T00:00:00Z"),
    ("08.02.2024 13:59", "%d.%m.%Y %H:%M", "Europe/Berlin", "2024-02-08T12:59:00Z"),
    ("2/8/24 1:59:15 PM", "%m/%d/%y %I:%M:%S %p", "Europe/Berlin", "2024-02-08T12:59:15Z"),
    ("2024年2月8日 20时59分", "%Y年%m月%d日 %H时%M分", "Asia/Shanghai", "2024-02-08T12:59:00Z"),
    ("08.02.2024 13:59:15.5 +0100", "%d.%m.%Y %H:%M:%S.%f %z", None, "2024-02-08T12:59:15.500Z"),
    ("1707397155", "unix", None, "2024-02-08T12:59:15Z"),
    ("1707397155.25", "unix", None, "2024-02-08T12:59:15.250Z"),
    ("1707397155250", "unix ms", None, "2024-02-08T12:59:15.250Z"),
    ("45330.5", "excel", "Asia/Shanghai", "2024-02-08T04:00:00Z"),
    # clocks go back: the first of two
    ("2023-10-29 02:30:00", "iso", "Europe/Berlin", "2023-10-29T00:30:00Z"),
    ("2023-03-26 03:00:00", "iso", "Europe/Berlin", "2023-03-26T01:00:00Z"),
]


@pytest.mark.parametrize(("text", "form", "zone", "expected"), GOOD)
def test_reads(text: str, form: str, zone: str | None, expected: str) -> None:
    at, refused = instants_of(pa.array([text, None]), form, zone)
    assert instants.format(int(at[0])) == expected and at[1] == ABSENT and not any(mask.any() for mask, _ in refused)


BAD = [
    ("2023-02-30T00:00:00Z", "iso", None, BAD_TIME),
    ("2023-13-01T00:00:00Z", "iso", None, BAD_TIME),
    ("2023-01-01T25:00:00Z", "iso", None, BAD_TIME),
    ("yesterday", "iso", None, BAD_TIME),
    ("31.02.2023", "%d.%m.%Y", "Europe/Berlin", BAD_TIME),
    ("01.02.2023 and more", "%d.%m.%Y", "Europe/Berlin", BAD_TIME),
    ("2023-01-01 00:00:00", "iso", None, NO_ZONE),
    ("2023-03-26 02:30:00", "iso", "Europe/Berlin", NO_SUCH_HOUR),
    ("nan", "unix", None, BAD_TIME),
    ("1e300", "unix", None, BAD_TIME),
    ("99999999999999999", "unix", None, BAD_TIME),
    ("13:00 PM", "%I:%M %p", "UTC", BAD_TIME),
]


@pytest.mark.parametrize(("text", "form", "zone", "reason"), BAD)
def test_refuses_one_row_and_keeps_the_others(text: str, form: str, zone: str | None, reason: Reason) -> None:
    good = next((one for one, other, its, _ in GOOD if (other, its) == (form, zone)), None)
    at, refused = instants_of(pa.array([good, text, good]), form, zone)
    assert at[1] == ABSENT
    assert [(mask.tolist(), why) for mask, why in refused if mask.any()] == [([False, True, False], reason)]
    assert good is None or at[0] != ABSENT


def test_typed_columns() -> None:
    moment = datetime.datetime(2024, 2, 8, 13, 59, tzinfo=datetime.UTC)
    for array, zone, expected in (
        (pa.array([moment], pa.timestamp("ns", "Europe/Berlin")), None, "2024-02-08T13:59:00Z"),
        (pa.array([moment.replace(tzinfo=None)], pa.timestamp("ms")), "Europe/Berlin", "2024-02-08T12:59:00Z"),
        (pa.array([moment.date()]), "Asia/Shanghai", "2024-02-07T16:00:00Z"),
        (pa.array([1707397140], pa.int32()), None, "2024-02-08T12:59:00Z"),
    ):
        form = "unix" if pa.types.is_integer(array.type) else "iso"
        at, _ = instants_of(array, form, zone)
        assert instants.format(int(at[0])) == expected


@pytest.mark.parametrize("form", ["%q", "nonsense"])
def test_unknown_formats(form: str) -> None:
    with pytest.raises(Invalid, match="time format"):
        instants_of(pa.array(["x"]), form, None)


def test_numbers_need_a_unit() -> None:
    with pytest.raises(Invalid, match='say format = "unix"'):
        instants_of(pa.array([1]), "iso", None)
