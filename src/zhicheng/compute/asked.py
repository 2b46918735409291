"""What views about the nearest of something are asked: where somebody is, and when there."""

from __future__ import annotations

from zhicheng.compute.views import Ask, Asked
from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import MINUTE
from zhicheng.standards.models.model import Label

_USUAL = 15.0
WHERE = (
    Ask("lon", Label("Longitude, degrees", "经度"), number=True),
    Ask("lat", Label("Latitude, degrees", "纬度"), number=True),
)
WHEN = (
    Ask("arrival", Label("When one would be there", "到达时刻")),
    Ask("minutes", Label("Minutes until then, 15 unless given", "多少分钟后到达，默认 15"), number=True),
)


def where(asked: Asked) -> tuple[float, float]:
    """Longitude and latitude, as `WHERE` asks for them.

    >>> where(Asked({"lon": "108.3", "lat": "22.8"}))
    (108.3, 22.8)
    """
    if not {"lon", "lat"} <= set(asked.query):
        raise Invalid("Say where: lon and lat, in degrees", "请指定位置：lon 与 lat（度）", parameter="lon")
    lon, lat = float(asked.query["lon"]), float(asked.query["lat"])
    if abs(lon) > 180 or abs(lat) > 90:
        raise Invalid(
            f"{lon:g}, {lat:g} is no place on the earth", f"{lon:g}, {lat:g} 不是地球上的位置", parameter="lon"
        )
    return lon, lat


def when(asked: Asked, now: int, longest: float) -> int:
    """An instant, or minutes from now, as `WHEN` asks for them: up to so many minutes ahead.

    >>> when(Asked({"minutes": "2"}), 0, 120), when(Asked({"arrival": "1970-01-01T00:01:00Z"}), 0, 120)
    (120000000, 60000000)
    """
    query = asked.query
    if "arrival" in query and "minutes" in query:
        raise Invalid("Say arrival or minutes, not both", "arrival 与 minutes 只能指定其一", parameter="minutes")
    minutes = asked.number("minutes", _USUAL)
    if "arrival" in query:
        minutes = (instants.parse(query["arrival"]) - now) / MINUTE
    if not 0 <= minutes <= longest:
        raise Invalid(
            f"The arrival lies between now and {longest:.0f} minutes from now",
            f"到达时间应在现在至 {longest:.0f} 分钟之后",
            parameter="arrival" if "arrival" in query else "minutes",
        )
    return now + round(minutes * MINUTE)
