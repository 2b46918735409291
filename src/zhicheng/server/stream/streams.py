"""A tenant's stages, and the way of a client to the one that it wants to look at."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace

from zhicheng.hub.playback import Playback
from zhicheng.hub.veiled_store import VeiledStore
from zhicheng.kernel.errors import Unavailable
from zhicheng.server.city import City
from zhicheng.server.moment import moment_at
from zhicheng.server.past import newest
from zhicheng.server.space import Space, whole
from zhicheng.server.stream.client import Client
from zhicheng.server.stream.live import Live
from zhicheng.server.stream.replay import Replay
from zhicheng.server.stream.stage import Stage, Still
from zhicheng.server.stream.watch import Watch
from zhicheng.storage.live import State

_STILLS = 8
"""Past instants that nobody looks at any more but may again."""
_CLIENTS = 10_000
"""The most clients of a tenant."""
_REPLAYS = 16
"""The most replays of a tenant: each holds a state of its own."""
_TRIES = 3


class Streams:
    """The live stage of a tenant and its past ones."""

    def __init__(self, city: City, space: Space) -> None:
        self.city = city
        self.space = space
        self.live = Live(space.models, space.store, city.now, lambda: city.stale_in(space), city.telemetry)
        self._stills: OrderedDict[int, Still] = OrderedDict()
        self._clients: set[Client] = set()
        self._replays: dict[Client, Replay] = {}
        telemetry = city.telemetry
        self._count = telemetry.gauge("stream_clients", "Clients that watch the stream", ["tenant"])
        self._sent = telemetry.counter("stream_messages", "Messages sent to clients", ["tenant"])
        self._dropped = telemetry.counter("stream_dropped", "Changes a slow client was spared", ["tenant"])

    def enter(self, client: Client) -> None:
        """A client comes."""
        if len(self._clients) >= _CLIENTS:
            raise Unavailable("Too many clients are connected", "连接的客户端过多")
        self._clients.add(client)
        self._count.set(len(self._clients), tenant=self.space.tenant)

    def leave(self, client: Client) -> None:
        """A client goes."""
        client.leave()
        self._stop_replay(client)
        self._clients.discard(client)
        self._count.set(len(self._clients), tenant=self.space.tenant)
        self._sent.add(client.sent, tenant=self.space.tenant)
        self._dropped.add(client.dropped, tenant=self.space.tenant)

    @property
    def clients(self) -> int:
        """How many watch."""
        return len(self._clients)

    async def show(self, client: Client, watch: Watch) -> None:
        """Let a client look at what it asks for."""
        before = self._replays.get(client)
        try:
            await self._show(client, watch)
        finally:
            if before is not None and self._replays.get(client) is not before:
                before.stop()

    async def _show(self, client: Client, watch: Watch) -> None:
        stage = await self._stage(client, watch)
        looks = set(watch.layers.values())
        for _ in range(_TRIES):
            await stage.open(looks)
            if looks <= stage.scenes.keys():
                client.look_at(stage, watch)
                return
        raise Unavailable("Too many different filters are being watched", "正在查看的不同筛选条件过多")

    async def _stage(self, client: Client, watch: Watch) -> Stage:
        if watch.at is not None and watch.at < self.city.now() and watch.speed:
            return await self._replay(client, watch, watch.at)
        self._replays.pop(client, None)
        if watch.at is None or watch.at >= self.city.now():
            self.live.wake()
            return self.live
        return await self._still(watch.at)

    async def _replay(self, client: Client, watch: Watch, at: int) -> Stage:
        running = self._replays.get(client)
        if running is not None and running.course == (at, watch.speed):
            return running
        if len(self._replays) >= _REPLAYS and running is None:
            raise Unavailable("Too many replays are running", "正在进行的回放过多")
        space, city = self.space, self.city
        self._replays.pop(client, None)
        playback = await asyncio.to_thread(Playback, whole(space), at, space.models)
        shown = space.store.moving(playback.state) if isinstance(space.store, VeiledStore) else playback.state

        async def ended(replay: Replay) -> None:
            if self._replays.get(client) is replay:
                await self.show(client, replace(watch, at=None, speed=0.0, since=None))

        def stale_at(state: State, instant: int) -> frozenset[str]:
            return city.stale_as_of(space, newest(state), instant)

        stage = Replay(space.models, playback, shown, (at, watch.speed), city.now, stale_at, ended)
        self._replays[client] = stage
        return stage

    def _stop_replay(self, client: Client) -> None:
        replay = self._replays.pop(client, None)
        if replay is not None:
            replay.stop()

    async def _still(self, at: int) -> Stage:
        moment = await moment_at(self.city, self.space, at)
        known = self._stills.get(at)
        if known is None or known.state is not moment.state:
            known = self._stills[at] = Still(self.space.models, moment.state, at, moment.stale)
        self._stills.move_to_end(at)
        for old in [old for old, still in self._stills.items() if not still.clients][:-_STILLS]:
            del self._stills[old]
        return known
