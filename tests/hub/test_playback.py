"""A replay is the past at every instant: whatever the log, folding on gives what asking for the instant gives."""

from __future__ import annotations

import tempfile
from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.storage.logs import START, Step, logs
from tests.storage.test_semantics import objects, plain, play
from zhicheng.hub.playback import Playback
from zhicheng.kernel.instants import SECOND


@given(logs, st.sampled_from([0, 1, 3]), st.lists(st.integers(-4000, 8000), min_size=2, max_size=12, unique=True))
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
def test_a_replay_shows_what_was_at_every_instant(steps: list[Step], seal_every: int, seconds: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store, _, moments = play(steps, Path(folder), seal_every=seal_every)
        try:
            stops = sorted({*(START + second * SECOND for second in seconds), *moments})
            playback = Playback(store, stops[0])
            for before, stop in pairwise(stops):
                codes = playback.advance(stop)
                shown = plain(objects(playback.state))
                assert shown == plain(objects(store.as_of(stop))), stop - START
                earlier = plain(objects(store.as_of(before)))
                changed = {name for name in {*shown, *earlier} if shown.get(name) != earlier.get(name)}
                assert changed <= {playback.state.directory.ids[code] for code in codes.tolist()}
        finally:
            store.close()
