"""The past: the same readings as the present would tell, as files to import, resumed where it broke off."""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cli.test_cli import typed
from zhicheng.cli import demo_history
from zhicheng.cli.words import Words
from zhicheng.demo import history
from zhicheng.demo.city import City
from zhicheng.demo.days import DAY
from zhicheng.demo.history import Span, spans
from zhicheng.demo.plan import Plan
from zhicheng.demo.shelf import Shelf
from zhicheng.demo.streams import BY_NAME, STREAMS
from zhicheng.kernel.settings import parse
from zhicheng.sensing.mapping import read_mappings
from zhicheng.server.folder import DataFolder
from zhicheng.standards.ngsild.model import Quality

NOW = 1_795_000_000


@pytest.fixture(scope="module")
def written(made: City, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("past")
    span, buses = Span(NOW - DAY, NOW), NOW - 1200.0
    return {path.name.split("-")[0]: path for path, _ in history.write(made.living, span, folder, buses)}


def test_spans_cover_the_past_once_and_do_not_depend_on_when_it_is_asked_for() -> None:
    found = spans(NOW, 100 * DAY)
    assert found[0].after == NOW - 100 * DAY and found[-1].until == NOW
    assert all(a.until == b.after for a, b in pairwise(found))
    assert set(found[1:-1]) <= set(spans(NOW + 5 * DAY, 105 * DAY))


def test_the_past_is_what_the_present_would_have_told(made: City, written: dict[str, Path]) -> None:
    stream = BY_NAME["air"]
    table = pq.read_table(written["air"]).slice(5_000, 400)
    ids = stream.things(made.living).ids
    row = np.array([ids.index(one) for one in table["id"].to_pylist()])
    told = stream.values(made.living, row, table["at"].to_numpy().astype(np.float64))
    for name in stream.columns:
        np.testing.assert_array_equal(table[name].to_numpy(), told[name])


def test_of_lamps_only_changes_are_kept(written: dict[str, Path]) -> None:
    table = pq.read_table(written["lamps"])
    first = table["id"].to_pylist()[0]
    shares = [one for name, one in zip(table["id"].to_pylist(), table["illuminanceLevel"].to_pylist(), strict=True)
              if name == first]  # fmt: skip
    assert 3 <= len(shares) <= 6
    assert all(a != b for a, b in pairwise(shares))


def test_of_car_parks_it_is_known_from_the_start_how_many_places_there_were(written: dict[str, Path]) -> None:
    places, free = pq.read_table(written["places"]).to_pydict(), pq.read_table(written["parking"]).to_pydict()
    total = dict(zip(places["id"], places["total"], strict=True))
    assert set(places["at"]) == {NOW - DAY} and min(free["at"]) > NOW - DAY
    assert total.keys() == set(free["id"])
    assert all(0 <= count <= total[one] for one, count in zip(free["id"], free["free"], strict=True))
    mapping = read_mappings(parse(history.mappings(), "past.toml"), "past.toml").of(written["places"].name)
    assert mapping is not None and mapping[1].simulated


def test_the_mappings_read_all_files_and_say_whose_they_are() -> None:
    found = read_mappings(parse(history.mappings(), "past.toml"), "past.toml")
    for stream in STREAMS:
        name, mapping = found.of(f"{stream.name}-20260101-20260131.parquet") or ("", None)
        assert name == stream.name and mapping is not None
        assert mapping.simulated and mapping.owner.endswith(f":{stream.owner}")


def test_buses_have_a_past_of_the_last_day(written: dict[str, Path]) -> None:
    table = pq.read_table(written["bus"]).to_pydict()
    assert min(table["at"]) > NOW - 1200 and max(table["at"]) < NOW
    assert len(set(table["id"])) > 20 and max(table["speed"]) < 90


@pytest.mark.slow
def test_a_broken_off_build_goes_on_and_a_finished_one_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "city"
    DataFolder(data).make()
    small = Plan(seed=1, buildings=300)
    monkeypatch.setattr(demo_history, "make", _made_here(small))
    monkeypatch.setattr(demo_history, "ProcessPoolExecutor", _Here)
    monkeypatch.setattr(demo_history, "spans", lambda now, seconds: spans(now, seconds, 1))
    told = argparse.Namespace(data=data, history="2 d", seed=1, port=None, set=[])
    imported: list[str] = []
    real = demo_history._import

    def breaks(arguments: argparse.Namespace, files: list[Path], say: Words) -> int:
        imported.append(files[1].name)
        return 1 if len(imported) == 2 else real(arguments, files, say)

    monkeypatch.setattr(demo_history, "_import", breaks)
    assert demo_history.build(told, Words("en")) == 1
    assert demo_history.build(told, Words("en")) == 0
    assert len(imported) == len(set(imported)) + 1
    count = len(imported)
    assert demo_history.build(told, Words("en")) == 0
    assert len(imported) == count
    unmarked = f"SELECT count(*) AS n FROM history WHERE number IS NOT NULL AND quality & {int(Quality.SIMULATED)} = 0"
    assert typed("query", "--data", data, unmarked, "--format", "csv").split()[1] == "0"


class _Here:
    """A pool that works in this process."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> _Here:
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, function: object, *arguments: object) -> _Done:
        assert callable(function)
        return _Done(function(*arguments))


class _Done:
    def __init__(self, value: object) -> None:
        self._value = value

    def result(self) -> object:
        return self._value

    def cancel(self) -> None: ...


def _made_here(plan: Plan) -> object:
    def make(keep: Path, seed: int, span: Span, buses: float) -> tuple[list[Path], int]:
        found = list(history.write(Shelf(keep, plan).living(), span, keep / "past"))
        return [path for path, _ in found], sum(count for _, count in found)

    return make
