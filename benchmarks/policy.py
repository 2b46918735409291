"""Decisions by the tables, beside Cedar itself on the same policies, entities and requests, one at a time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cedarpy
import numpy as np

from benchmarks.figure import ROUNDS, Benchmark, Figure, Round
from zhicheng.security.cedar.entities import Entities, Entity
from zhicheng.security.cedar.parse import parse
from zhicheng.security.cedar.table import NO_CONTEXT, Table
from zhicheng.security.cedar.values import Uid, Value, ip

_PEOPLE, _DEPARTMENTS, _CALLS, _FLOOR_CALLS = 2_000, 40, 20_000, 2_000
_ROLES = ("reader", "writer", "operator", "admin")
_POLICIES = """
permit(principal in Role::"reader", action in Action::"reading", resource);
permit(principal in Role::"writer", action in [Action::"reading", Action::"writing"], resource);
permit(principal in Role::"operator", action == Action::"feeds:read", resource);
permit(principal in Role::"admin", action, resource);
forbid(principal, action, resource) unless { principal.active };
"""
_CONTEXTUAL = """
permit(principal, action == Action::"people:read", resource)
when { context.purpose == "case" && context.hour >= 8 && context.hour < 18 }
when { context.network.isInRange(ip("10.0.0.0/8")) };
forbid(principal, action == Action::"people:read", resource)
when { context has incident && !(principal in Department::"d0") };
"""
_ACTIONS = {"entities:read": "reading", "entities:write": "writing", "feeds:read": "other", "people:read": "personal"}
_TENANT = Uid("Tenant", "nanning")


def entities() -> Entities:
    """People in departments and roles; actions in groups."""
    found = [Entity(Uid("Action", name), {}, frozenset((Uid("Action", group),))) for name, group in _ACTIONS.items()]
    for number in range(_PEOPLE):
        parents = (Uid("Department", f"d{number % _DEPARTMENTS}"), Uid("Role", _ROLES[number % 4]))
        found.append(Entity(Uid("Person", f"p{number}"), {"active": number % 10 > 0}, frozenset(parents)))
    return Entities(found)


def contexts() -> list[tuple[dict[str, Value], dict[str, Any]]]:
    """Contexts, ours and Cedar's."""
    found = []
    for number in range(50):
        address = f"{10 if number % 3 else 192}.0.0.{number}"
        mine: dict[str, Value] = {"purpose": "case", "network": ip(address), "hour": number % 24}
        theirs = {**mine, "network": {"__extn": {"fn": "ip", "arg": address}}}
        found.append((mine, theirs))
    return found


def documents(held: Entities) -> list[dict[str, Any]]:
    """The entities as Cedar reads them."""
    return [
        {
            "uid": {"type": entity.uid.type, "id": entity.uid.id},
            "attrs": dict(entity.attributes),
            "parents": [{"type": parent.type, "id": parent.id} for parent in entity.parents],
        }
        for entity in held.by_uid.values()
    ]


def p99(calls: Callable[[int], object], count: int) -> float:
    """Microseconds that 99 of 100 calls do not exceed; what reading the clock takes is in it."""
    clock = time.perf_counter_ns
    taken = np.empty(count, np.int64)
    for number in range(count):
        began = clock()
        calls(number)
        taken[number] = clock() - began
    return float(np.percentile(taken, 99)) / 1000


def run(_folder: Path) -> Iterator[Round]:
    """Round by round."""
    held = entities()
    table = Table(parse(_POLICIES + _CONTEXTUAL), held)
    theirs = cedarpy.PolicySet.from_str(_POLICIES + _CONTEXTUAL)
    graph = cedarpy.Entities.from_json_str(json.dumps(documents(held)))
    people = [Uid("Person", f"p{number}") for number in range(_PEOPLE)]
    asked = contexts()
    read, personal = Uid("Action", "entities:read"), Uid("Action", "people:read")

    def plain(number: int) -> bool:
        return table.allows(people[number * 7 % _PEOPLE], read, _TENANT, NO_CONTEXT)

    def contextual(number: int) -> bool:
        return table.allows(people[number * 7 % _PEOPLE], personal, _TENANT, asked[number % 50][0])

    def cedar(action: Uid, number: int, context: dict[str, Any]) -> bool:
        request = {"principal": {"type": "Person", "id": f"p{number * 7 % _PEOPLE}"}, "action": str(action),
                   "resource": str(_TENANT), "context": context}  # fmt: skip
        return cedarpy.is_authorized(request, theirs, graph).allowed

    for number in range(_PEOPLE):
        if plain(number) != cedar(read, number, {}) or contextual(number) != cedar(
            personal, number, asked[number % 50][1]
        ):
            raise RuntimeError(f"decision {number} differs from Cedar's")
    for _ in range(ROUNDS):
        yield {
            "decision p99": (p99(plain, _CALLS), p99(lambda number: cedar(read, number, {}), _FLOOR_CALLS)),
            "decision p99, context": (
                p99(contextual, _CALLS),
                p99(lambda number: cedar(personal, number, asked[number % 50][1]), _FLOOR_CALLS),
            ),
        }


BENCHMARK = Benchmark(
    "policy",
    "May this principal do this here: 2,000 people in 40 departments and 4 roles, 7 policies",
    (
        Figure("decision p99", "us", 5, 1, 1.0, lower=True, floor="cedarpy, policies and entities parsed before"),
        Figure("decision p99, context", "us", 20, 5, 1.0, lower=True, floor="the same"),
    ),
    run,
)
