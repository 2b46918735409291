"""Where clients look: pictures of the live city, of a past instant or of a replay, and who watches which tiles."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Protocol, TypeAlias

from zhicheng.hub.live import Look, Picture, Sight, Step, blank, sight_of
from zhicheng.hub.sheets import Sheet
from zhicheng.kernel.columns import I4
from zhicheng.kernel.errors import Unavailable
from zhicheng.server.stream.messages import Features, clock
from zhicheng.standards.models.catalogue import Catalogue
from zhicheng.storage.live import State

Place: TypeAlias = tuple[Look, int, int]
"""A look, a zoom, a tile: what can be watched."""
KEPT = 60.0
"""Seconds that what nobody watches is kept up to date: who comes back in time need not be told all."""
_SAME = 0.05
"""Seconds for which all are told the same time."""
_LOOKS = 64
"""The most looks of one stage: each holds a row for every entity."""


class Watcher(Protocol):
    """Whoever is told of changes; must be quick."""

    def offer(self, place: Place, features: Features) -> None:
        """A change of a place."""

    def shapes(self, look: Look) -> None:
        """Lines or areas of a look changed."""

    def round_over(self) -> None:
        """That was all for now."""


class Scene:
    """A look's picture, its sheets by zoom, and who watches them."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.sheets: dict[int, Sheet] = {}
        self._used: dict[int, float] = {}
        self.watchers: dict[tuple[int, int], set[Watcher]] = {}
        self._whole: dict[tuple[int, int], Features] = {}

    def sheet(self, zoom: int) -> Sheet:
        """The cut at a zoom."""
        found = self.sheets.get(zoom)
        if found is None:
            found = self.sheets[zoom] = Sheet(self.picture, zoom)
        return found

    def whole(self, zoom: int, tile: int) -> Features:
        """All of a tile; made once between two changes."""
        found = self._whole.get((zoom, tile))
        if found is None:
            found = self._whole[zoom, tile] = Features(self.sheet(zoom).whole(tile))
        return found

    def update(self, step: Step) -> None:
        """Take in a change and tell who watches."""
        if not len(step.codes):
            return
        self._whole.clear()
        look, watched = self.picture.look, self._watched()
        for zoom, sheet in self.sheets.items():
            for tile, told in sheet.update(step, watched.get(zoom, ())):
                features = Features(told)
                for watcher in self.watchers[zoom, tile]:
                    watcher.offer((look, zoom, tile), features)
        if step.shapes:
            for watcher in set().union(*self.watchers.values()):
                watcher.shapes(look)

    def _watched(self) -> dict[int, set[int]]:
        """The watched tiles by zoom. Sheets that nobody has watched for a while are let go."""
        now = time.monotonic()
        found: dict[int, set[int]] = {}
        for zoom, tile in self.watchers:
            found.setdefault(zoom, set()).add(tile)
        self._used.update(dict.fromkeys(found, now))
        for zoom in [zoom for zoom in self.sheets if now - self._used.setdefault(zoom, now) > KEPT]:
            del self.sheets[zoom], self._used[zoom]
        return found


class Stage(ABC):
    """The scenes of one moment, or of one course of moments.

    Pictures are read from the state in a thread, and changed on the event loop alone: what a client is told at once
    fits what it is told later.
    """

    mode = "past"
    ticks = False
    """Whether its time is told after every round, though nothing else is."""

    def __init__(self, models: Catalogue) -> None:
        self.models = models
        self.scenes: dict[Look, Scene] = {}
        self.clients: dict[Watcher, frozenset[Place]] = {}
        self.position = 0
        """Up to where clients were told everything; 0 where they cannot resume."""
        self._opening: dict[Look, asyncio.Lock] = {}
        self._told_at = 0.0
        self._told = (-1, "")

    @property
    @abstractmethod
    def state(self) -> State:
        """What is shown."""

    @property
    @abstractmethod
    def now(self) -> int:
        """Its time, in microseconds."""

    def stale(self) -> frozenset[str]:
        """Sources that are out of date."""
        return frozenset()

    def clock(self) -> str:
        """The message that tells the stage's time."""
        moment = time.monotonic()
        if moment - self._told_at > _SAME or self._told[0] != self.position:
            self._told_at = moment
            self._told = self.position, clock(self.now, self.position, self.mode)
        return self._told[1]

    async def open(self, looks: Iterable[Look]) -> None:
        """Have a scene for each of the looks; another client's may take its place until they are joined."""
        for look in looks:
            if look in self.scenes:
                continue
            async with self._opening.setdefault(look, asyncio.Lock()):
                if look not in self.scenes:
                    self._make_room()
                    await self._open_scene(Picture(look))
            self._opening.pop(look, None)

    async def _open_scene(self, picture: Picture) -> None:
        sight, position = await asyncio.to_thread(self._read_all, picture.look)
        picture.update(None, sight, position)
        self.scenes[picture.look] = Scene(picture)

    def _read_all(self, look: Look) -> tuple[Sight, int]:
        state = self.state
        with state.lock:
            return sight_of(state, look, self.models, self.stale()), state.position

    def _make_room(self) -> None:
        if len(self.scenes) + len(self._opening) <= _LOOKS:
            return
        for look in [look for look, scene in self.scenes.items() if not scene.watchers]:
            del self.scenes[look]
        if len(self.scenes) >= _LOOKS:
            raise Unavailable("Too many different filters are being watched", "正在查看的不同筛选条件过多")

    def take_in(self, picture: Picture, codes: I4 | None, sight: Sight, position: int) -> None:
        """Bring a picture up to date and tell who watches it, unless another has taken its place."""
        scene = self.scenes.get(picture.look)
        if scene is not None and scene.picture is picture:
            scene.update(picture.update(codes, sight, position))

    def round_over(self, position: int) -> None:
        """All has been told up to a position."""
        self.position = position
        for client in self.clients:
            client.round_over()

    def join(self, watcher: Watcher, places: frozenset[Place]) -> frozenset[Place]:
        """Tell a watcher of these places and no others from now on; gives those that are new to it."""
        before = self.clients.get(watcher, frozenset())
        for look, zoom, tile in before - places:
            self._drop(watcher, look, zoom, tile)
        for look, zoom, tile in places - before:
            scene = self.scenes[look]
            scene.sheet(zoom)
            scene.watchers.setdefault((zoom, tile), set()).add(watcher)
        self.clients[watcher] = places
        return places - before

    def leave(self, watcher: Watcher) -> None:
        """Tell a watcher nothing more."""
        self.join(watcher, frozenset())
        del self.clients[watcher]

    def _drop(self, watcher: Watcher, look: Look, zoom: int, tile: int) -> None:
        scene = self.scenes.get(look)
        watchers = None if scene is None else scene.watchers.get((zoom, tile))
        if scene is not None and watchers is not None:
            watchers.discard(watcher)
            if not watchers:
                del scene.watchers[zoom, tile]

    def whole(self, place: Place) -> Features:
        """All of a place."""
        look, zoom, tile = place
        return self.scenes[look].whole(zoom, tile)

    def since(self, place: Place, position: int) -> Features | None:
        """What changed in a place after a position; None where only all of it will do."""
        look, zoom, tile = place
        told = self.scenes[look].sheet(zoom).since(tile, position)
        return None if told is None else Features(told)


class Still(Stage):
    """The city as it was at an instant."""

    def __init__(self, models: Catalogue, state: State, now: int, stale: frozenset[str]) -> None:
        super().__init__(models)
        self._state = state
        self._now = now
        self._stale = stale

    @property
    def state(self) -> State:
        return self._state

    @property
    def now(self) -> int:
        return self._now

    def stale(self) -> frozenset[str]:
        return self._stale


Read: TypeAlias = list[tuple[Picture, I4 | None, Sight]]
"""Of each picture the entities that may look otherwise (None: all), and what is seen of them now."""


def read_changes(
    state: State, pictures: Iterable[Picture], models: Catalogue, stale: frozenset[str], *, whole: bool
) -> tuple[Read, int]:
    """What pictures of a state must take in to be up to date, and as of which position; for a thread."""
    found: Read = []
    with state.lock:
        for picture in pictures:
            codes = None if whole else picture.candidates(state)
            seen = blank(0) if codes is not None and not len(codes) else None
            found.append((picture, codes, seen or sight_of(state, picture.look, models, stale, codes)))
        return found, state.position
