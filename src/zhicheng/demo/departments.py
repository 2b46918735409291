"""The departments of the city, each with its number, its names and the one above it."""

from __future__ import annotations

from typing import NamedTuple

_URN = "urn:ngsi-ld:Organization:ronglan:"


class Department(NamedTuple):
    """key: how the rest of the package calls it; above: the key of the department it belongs to."""

    key: str
    zh: str
    en: str
    above: str = "government"
    kind: str = "department"


DEPARTMENTS = (
    Department("government", "市人民政府", "Municipal Government", ""),
    Department("reform", "市发展和改革委员会", "Development and Reform Commission"),
    Department("industry", "市工业和信息化委员会", "Industry and Information Commission"),
    Department("education", "市教育局", "Education Bureau"),
    Department("science", "市科学技术局", "Science and Technology Bureau"),
    Department("security", "市公安局", "Public Security Bureau"),
    Department("traffic", "市公安局交警支队", "Traffic Police", "security"),
    Department("fire", "市公安消防支队", "Fire Brigade", "security"),
    Department("civil", "市民政局", "Civil Affairs Bureau"),
    Department("finance", "市财政局", "Finance Bureau"),
    Department("social", "市人力资源和社会保障局", "Human Resources and Social Security Bureau"),
    Department("land", "市国土资源局", "Land and Resources Bureau"),
    Department("planning", "市规划局", "Planning Bureau"),
    Department("construction", "市城乡建设委员会", "Urban and Rural Construction Commission"),
    Department("housing", "市住房保障和房产管理局", "Housing Bureau"),
    Department("parks", "市政和园林管理局", "Municipal Works and Parks Bureau"),
    Department("lighting", "市城市照明管理处", "Street Lighting Office", "parks", "institution"),
    Department("management", "市城市管理局", "Urban Management Bureau"),
    Department("hotline", "12319城建服务热线", "12319 City Service Hotline", "management", "institution"),
    Department("transport", "市交通运输局", "Transport Bureau"),
    Department("buses", "榕澜公交集团（模拟）", "Ronglan Bus (made up)", "transport", "enterprise"),
    Department("water", "市水利局", "Water Resources Bureau"),
    Department("supply", "市自来水公司（模拟）", "Water Supply Company (made up)", "construction", "enterprise"),
    Department("environment", "市环境保护局", "Environmental Protection Bureau"),
    Department("weather", "市气象局", "Meteorological Bureau"),
    Department("health", "市卫生局", "Health Bureau"),
    Department("commerce", "市工商行政管理局", "Administration for Industry and Commerce"),
    Department("quality", "市质量技术监督局", "Quality and Technical Supervision Bureau"),
    Department("tax", "市国家税务局", "State Taxation Bureau"),
    Department("statistics", "市统计局", "Statistics Bureau"),
    Department("tourism", "市旅游局", "Tourism Bureau"),
    Department("emergency", "市应急管理办公室", "Emergency Management Office"),
)


def owner(key: str) -> str:
    """The id of a department.

    >>> owner("water")
    'urn:ngsi-ld:Organization:ronglan:water'
    """
    return _URN + key
