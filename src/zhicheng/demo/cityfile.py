"""The city's file (TOML) of the made-up city: its feeds with their owners, and what applications are told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import numpy as np

from zhicheng.demo.departments import owner
from zhicheng.demo.plan import CITY, MADE_UP, ZONE, Plan
from zhicheng.demo.projection import Projection
from zhicheng.demo.streams import STREAMS, mapping

REGISTERS = (
    "government", "traffic", "weather", "water", "civil", "lighting", "environment", "transport", "planning",
    "construction", "housing", "security", "statistics", "health", "management", "hotline", "fire", "supply", "tax",
    "commerce", "quality",
)  # fmt: skip
"""Departments that hand over records, each by a feed of its own, in the order in which they do."""
_ALWAYS = "3650 d"


def register(department: str) -> str:
    """The feed by which a department hands over its records.

    >>> register("fire")
    'register-fire'
    """
    return f"register-{department}"


def city_file(plan: Plan) -> str:
    """The whole file."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    half = np.array(plan.half) * 0.82
    west, south, east, north = Projection(plan.centre).degrees(np.array([-half, half])).ravel().tolist()
    yield f"# {CITY.zh}{MADE_UP.zh}：一切均为虚构，由种子 {plan.seed} 生成。由 `zhicheng demo` 写出；改动不会被覆盖。"
    yield f"# {CITY.en}{MADE_UP.en}: everything is invented, from seed {plan.seed}. Written by `zhicheng demo`, once;"
    yield "# what you change in it stays. Every key: docs/configuration.md and docs/feeds.md; the city: docs/demo.md."
    yield from table_text("city", {
        "name": {"zh": CITY.zh + MADE_UP.zh, "en": CITY.en + MADE_UP.en}, "time_zone": ZONE,
        "centre": list(plan.centre), "bounds": [west, south, east, north],
    })  # fmt: skip
    yield from table_text("models", {"default_check": "reject"})
    yield from table_text("server", {"max_body": "64 MB"})
    yield from table_text("apps.arrival.params", {"networks": [plan.network]})
    for name, told in feeds(plan).items():
        yield from table_text(f"feeds.{name}", told)


def feeds(plan: Plan) -> dict[str, dict[str, object]]:
    """All feeds; everything is handed in (push), and every value is marked as simulated."""
    still: dict[str, object] = {"push": True, "simulated": True, "stale_after": _ALWAYS, "late_after": _ALWAYS}
    found: dict[str, dict[str, object]] = {
        "basemap": {"decoder": "basemap", "owner": owner("planning"), **still},
        "timetable": {"decoder": "gtfs", "network": plan.network, "owner": owner("transport"), **still},
        "bus": {"decoder": "gtfs-rt", "network": plan.network, "push": True, "simulated": True, "interval": "10 s",
                "owner": owner("buses")},
        "forecast": {"decoder": "ngsi-ld", "push": True, "simulated": True, "interval": "1 h",
                     "owner": owner("weather")},
    }  # fmt: skip
    for stream in STREAMS:
        found[stream.name] = {
            "decoder": "csv", "push": True, "simulated": True, "interval": f"{stream.every} s",
            "owner": owner(stream.owner), "mapping": mapping(stream),
        }  # fmt: skip
        if stream.change:
            found[stream.name] |= {"late_after": "1 d", "stale_after": "2 d"}
    for department in REGISTERS:
        found[register(department)] = {"decoder": "ngsi-ld", "owner": owner(department), **still}
    return found


def table_text(name: str, values: Mapping[str, object]) -> Iterator[str]:
    """A table, and those within it."""
    plain = {key: value for key, value in values.items() if not _deep(value)}
    yield ""
    yield f"[{name}]"
    yield from (f"{key} = {_value(value)}" for key, value in plain.items())
    for key, value in values.items():
        if isinstance(value, Mapping) and _deep(value):
            yield from table_text(f"{name}.{key}", value)


def _deep(value: object) -> bool:
    return isinstance(value, Mapping) and any(isinstance(one, Mapping) for one in value.values())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
