from __future__ import annotations

import numpy as np

from zhicheng.compute.ahead import Ahead, News, Worth, columns
from zhicheng.compute.state import Keyed
from zhicheng.kernel.columns import Coded
from zhicheng.kernel.instants import SECOND

WORTH = Worth(seconds=600, least=20, share=0.1, near=2)


def fleet(*names: str) -> Ahead:
    things = Keyed(**columns())
    things.slots(Coded.of(names))
    return Ahead(things, lambda slot, place, run: f"{things.names[slot]}:{run or 'now'}:{place}")


def tell(ahead: Ahead, at: int, seconds: list[float], now: int = 0, *, again: bool = False) -> News:
    """What is news of the one thing, which comes to place `at` next."""
    places = at + np.arange(len(seconds))[None]
    there = np.ones(places.shape, bool)
    return ahead.news(
        np.array([0]), places, there, np.array([seconds]), np.array([now * SECOND]), WORTH, np.array([again])
    )


def taken(ahead: Ahead) -> list[str | None]:
    return [name for changes in ahead.made for name in changes.entity.list()]


def test_what_is_new_is_told_as_far_as_it_is_near_enough() -> None:
    news = tell(fleet("bus"), 3, [60, 200, 700])
    assert news.entity.list() == ["bus:now:3", "bus:now:4"]
    assert news.fresh.all() and news.moved.all() and news.counted.all()


def test_it_is_told_anew_only_where_it_moved_or_all_is_to_be_told_again() -> None:
    ahead = fleet("bus")
    tell(ahead, 3, [60, 200])
    assert not len(tell(ahead, 3, [50, 190], now=10).row)
    assert tell(ahead, 3, [75, 175], now=10).entity.list() == ["bus:now:3"]
    news = tell(ahead, 3, [75, 175], now=10, again=True)
    assert news.moved.all() and not news.fresh.any() and not news.counted.any()


def test_places_to_go_are_counted_anew_for_the_near_ones_once_the_thing_moves_on() -> None:
    ahead = fleet("bus")
    tell(ahead, 3, [60, 200, 300, 400])
    news = tell(ahead, 4, [140, 240, 340], now=60)
    assert [name for name, counted in zip(news.entity.list(), news.counted, strict=True) if counted] == [
        "bus:now:4",
        "bus:now:5",
    ]
    assert taken(ahead) == ["bus:now:3"]


def test_what_was_told_ends_with_the_run_the_way_or_the_thing() -> None:
    ahead = fleet("bus")
    tell(ahead, 3, [60, 200, 300])
    ahead.cut(0, 5, 0)
    assert taken(ahead) == ["bus:now:5"]
    ahead.begin(0, 0, "old")
    assert taken(ahead)[1:] == ["bus:old:3", "bus:old:4"]
    tell(ahead, 0, [10, 20])
    ahead.withdraw(0, 0)
    assert taken(ahead)[3:] == ["bus:now:0", "bus:now:1"]
