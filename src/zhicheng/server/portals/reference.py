"""The live reference model over HTTP: blocks with what runs in them now and what is planned, and the coverage table."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable

from zhicheng.kernel import instants
from zhicheng.security.actions import Named
from zhicheng.server import documentation
from zhicheng.server.centre import Centres
from zhicheng.server.http import Answer, json_answer
from zhicheng.server.portals.named import Json, said
from zhicheng.server.reference import seeds
from zhicheng.server.reference.blocks import BLOCKS, Block, Link, block_of
from zhicheng.server.reference.parts import ORDER, Part, Running
from zhicheng.server.reference.probes import PROBES, Look
from zhicheng.server.reference.seeds import System
from zhicheng.server.request import Request
from zhicheng.server.routes import Response, Route
from zhicheng.server.space import Space
from zhicheng.storage.log import Figures

_SIZED = 15.0
"""Seconds for which the size of a store is not taken again: every file of it is looked at."""


class Reference:
    """The handler, over the figures of each tenant; `routes` gives all routes of the server."""

    def __init__(self, centres: Centres, routes: Callable[[], tuple[Route, ...]]) -> None:
        self.centres = centres
        self.routes = routes
        self._sizes: dict[str, tuple[float, Figures]] = {}

    async def model(self, request: Request) -> Answer:
        """GET /api/v1/reference."""
        space, city = request.space, request.city
        tally, _ = await self.centres.of(space).tally()
        figures = await asyncio.to_thread(self._size, space)
        look = Look(city, space, tally, figures, self.routes(), city.clock())
        running = await asyncio.to_thread(lambda: {name: probe(look) for name, probe in PROBES.items()})
        systems = seeds.systems()
        return json_answer(
            {
                "at": instants.format(look.now),
                "position": space.store.state.position,
                "blocks": [_block(block, running[block.id], systems) for block in BLOCKS],
                "states": dict(Counter(one.state for one in systems)),
                "groups": [
                    {"id": group, **said("label", Named(*names), group)} for group, names in seeds.GROUPS.items()
                ],
                "systems": [_system(one) for one in systems],
            }
        )

    def _size(self, space: Space) -> Figures:
        now = time.monotonic()
        known = self._sizes.get(space.tenant)
        if known is None or now - known[0] > _SIZED:
            known = self._sizes[space.tenant] = now, space.store.figures()
        return known[1]


def _block(block: Block, running: Running, systems: tuple[System, ...]) -> Json:
    own = [one for one in systems if block_of(one.id) == block.id]
    tests = sorted({one.test for one in own if one.test})
    return {
        "id": block.id,
        **said("label", block.name, block.id),
        **said("gives", block.gives, ""),
        "words": [text for one in own if one.id == block.id for _, text in one.words],
        "state": running.state,
        "parts": [_part(part) for part in sorted(running.parts, key=lambda part: ORDER.index(part.state))],
        "faults": sum(part.state == "fault" for part in running.parts),
        "attention": sum(part.state == "attention" for part in running.parts),
        "rate": round(sum(part.rate or 0.0 for part in running.parts), 1) if _rated(running) else None,
        "lag_s": _lag(running),
        "figures": [
            {**said("label", figure.name, ""), "value": figure.value, "unit": figure.unit, "link": figure.link}
            for figure in running.figures
        ],
        "kinds": [said("label", one, "") for one in running.notes],
        "pages": [_link(link) for link in block.pages],
        "interfaces": [_link(link) for link in block.interfaces],
        "docs": [
            {"name": name, "title": documentation.title_of(name), "link": f"/docs/{name}"} for name in _there(block)
        ],
        "tests": tests,
        "systems": {state: [one.id for one in own if one.state == state] for state in ("works", "partial", "planned")},
    }


def _there(block: Block) -> list[str]:
    return [name for name in block.docs if (documentation.FOLDER / f"{name}.md").is_file()]


def _rated(running: Running) -> bool:
    return any(part.rate is not None for part in running.parts)


def _lag(running: Running) -> float | None:
    """How far behind the parts at work are, at the middle: one old register says nothing of the others."""
    lags = sorted(part.lag for part in running.parts if part.lag is not None and part.state != "idle")
    return round(lags[len(lags) // 2], 1) if lags else None


def _part(part: Part) -> Json:
    return {
        "key": part.key,
        **said("label", part.name, part.key),
        "state": part.state,
        **said("kind", part.kind, ""),
        "rate": None if part.rate is None else round(part.rate, 2),
        "lag_s": None if part.lag is None else round(part.lag, 1),
        "note": None if part.note is None else {"zh": part.note.zh, "en": part.note.en},
        "link": part.link,
    }


def _link(link: Link) -> Json:
    return {**said("label", link[0], ""), "link": link[1]}


def _system(one: System) -> Json:
    names = seeds.DOCUMENTS
    return {
        "id": one.id,
        "zh": one.zh,
        "en": one.en,
        "block": block_of(one.id),
        "state": one.state,
        "figures": list(one.figures),
        "words": [
            {"document": key, **said("document", Named(*names[key]) if key in names else None, key), "text": text}
            for key, text in one.words
        ],
        "page": one.page,
        "interface": one.interface,
        "test": one.test,
    }


def reference_routes(centres: Centres, routes: Callable[[], tuple[Route, ...]]) -> tuple[Route, ...]:
    """All of them."""
    own = Reference(centres, routes)
    return (
        Route("GET", "/api/v1/reference", "city:read", own.model,
              Named("参考模型", "The live reference model"), (), None, (Response(200, "The answer", "结果", {}),)),
    )  # fmt: skip
