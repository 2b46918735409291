"""Applications in a running city: a scaffolded one is found, runs, and is on the map, and no file was touched."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.acceptance.running import free_port
from tests.server.conftest import Start
from zhicheng.cli import new_app
from zhicheng.compute.runner import Runner
from zhicheng.kernel.errors import AlreadyExists, BadConfiguration
from zhicheng.kernel.instants import format, system_clock

ROOT = Path(__file__).resolve().parents[2]
STATION = {
    "id": "urn:ngsi-ld:AirQualityObserved:1",
    "type": "AirQualityObserved",
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [108.3, 22.8]}},
    "pm25": {"type": "Property", "value": 40, "observedAt": "2026-01-01T00:00:00Z"},
}
PARK = {
    "id": "urn:ngsi-ld:OffStreetParking:1",
    "type": "OffStreetParking",
    "totalSpotNumber": {"type": "Property", "value": 100, "observedAt": "2026-01-01T00:00:00Z"},
    "availableSpotNumber": {"type": "Property", "value": 40, "observedAt": "2026-01-01T00:00:00Z"},
}


async def appears(client: httpx.AsyncClient, identifier: str, attribute: str) -> object:
    """The value of an attribute once it is there."""
    for _ in range(100):
        answer = await client.get(f"/ngsi-ld/v1/entities/{identifier}", params={"options": "keyValues"})
        if attribute in answer.json():
            return answer.json()[attribute]
        await asyncio.sleep(0.05)
    raise AssertionError(f"{attribute} of {identifier} does not appear")


async def test_what_parking_derives_is_there_under_its_short_name(start: Start) -> None:
    client = await start()
    assert (await client.post("/ngsi-ld/v1/entities", json=PARK)).status_code == 201
    assert await appears(client, PARK["id"], "occupancy") == pytest.approx(0.6)  # type: ignore[arg-type]  # a dict of str
    apps = {app["name"]: app for app in (await client.get("/api/v1/apps")).json()}
    assert apps["parking"]["status"] == "ok"
    assert apps["parking"]["figures"]["given"] == 2
    assert b'app_rows_in_total{app="parking"}' in (await client.get("/metrics")).content


async def test_what_changes_without_a_pause_is_gathered_between_two_steps(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[float] = []
    step = Runner.step

    def counted(runner: Runner) -> int:
        if runner.app.name == "parking":
            steps.append(time.monotonic())
        return step(runner)

    monkeypatch.setattr(Runner, "step", counted)
    client = await start('[apps.parking]\nevery = "500ms"\n')
    assert (await client.post("/ngsi-ld/v1/entities", json=PARK)).status_code == 201
    free_places = f"/ngsi-ld/v1/entities/{PARK['id']}/attrs/availableSpotNumber"
    steps.clear()
    began = time.monotonic()
    while time.monotonic() - began < 2:
        free = {"value": 1 + len(steps), "observedAt": format(system_clock())}
        answer = await client.patch(free_places, json=free)
        assert answer.status_code == 204, answer.text
    assert 2 <= len(steps) <= 5


async def test_one_that_is_turned_off_does_not_run(start: Start) -> None:
    client = await start("[apps.parking]\nenabled = false\n")
    assert "parking" not in {app["name"] for app in (await client.get("/api/v1/apps")).json()}


@pytest.mark.parametrize(
    ("text", "said"),
    [("[apps.parkin]\n", "parking"), ("[apps.parking.params]\nhorizn = 1\n", "apps.parking.params")],
)
async def test_a_mistake_in_the_file_is_told(start: Start, text: str, said: str) -> None:
    with pytest.raises(BadConfiguration, match=said):
        await start(text)


def wheel_of(name: str, folder: Path) -> Path:
    """A skeleton, built as its author would."""
    new_app.write(name, folder)
    project = folder / f"zhicheng-{name}"
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=project, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


def test_a_skeleton_is_never_written_over(tmp_path: Path) -> None:
    new_app.write("dust", tmp_path)
    with pytest.raises(AlreadyExists):
        new_app.write("dust", tmp_path)


def test_inside_the_project_it_goes_where_the_others_are() -> None:
    places = new_app._inside("dust", new_app.OURS.resolve())
    assert places["app.py.txt"] == ROOT / "src/zhicheng/apps/dust/app.py"
    assert places["test.py.txt"] == ROOT / "tests/apps/dust/test_dust.py"
    assert places["page.md.txt"] == ROOT / "docs/apps/dust.md"


def files_of(folder: Path) -> dict[str, tuple[int, int]]:
    """Every source file, with its size and when it was written."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in found}


@pytest.mark.slow
def test_a_new_application_is_green_and_on_the_map_and_touches_no_file(tmp_path: Path) -> None:
    before = files_of(ROOT / "src/zhicheng")
    wheel = wheel_of("dust", tmp_path)
    environ = {**os.environ, "PYTHONPATH": str(wheel), "ZHICHENG_LANG": "en"}
    tests = tmp_path / "zhicheng-dust"
    own = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tests)]
    subprocess.run([*own, str(tests)], env=environ, cwd=tests, check=True, capture_output=True)
    program = Path(sys.executable).with_name("zhicheng")
    listed = subprocess.run([program, "app", "list"], env=environ, capture_output=True, text=True, check=True)
    assert "dust" in listed.stdout
    data, port = tmp_path / "data", free_port()
    command = [str(program), "run", "--data", str(data), "--port", str(port), "--no-auth"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        try:
            seen_on_the_map(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
    explained = subprocess.run(
        [program, "app", "explain", "dust", "--data", str(data)],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "AirQualityObserved.dustLevel" in explained.stdout
    assert files_of(ROOT / "src/zhicheng") == before


def seen_on_the_map(base: str) -> None:
    """The layer of the application, and its value in the panel of an entity, with its label."""
    with httpx.Client(base_url=base) as client:
        until(lambda: client.get("/health").status_code == 200)
        assert client.post("/ngsi-ld/v1/entities", json=STATION).status_code == 201
        layers = {app["name"]: app["layers"] for app in client.get("/api/v1/apps").json()}
        assert layers["dust"][0]["attribute"] == "dustLevel"
        on_the_map = {one["key"]: one for one in client.get("/api/v1/layers").json()}
        layer = on_the_map["dust.AirQualityObserved"]
        assert (layer["app"], layer["attribute"], layer["count"]) == ("dust", "dustLevel", 1)
        assert layer["legend"] and layer["label"]["zh"] and layer["label"]["en"]
        panel = f"/api/v1/entities/{STATION['id']}"
        until(lambda: "dustLevel" in [one["name"] for one in client.get(panel).json()["attributes"]])
        shown = next(one for one in client.get(panel).json()["attributes"] if one["name"] == "dustLevel")
        assert (shown["label_en"], shown["value"]) == ("Dust level", 40)
        read = client.get(f"/ngsi-ld/v1/entities/{STATION['id']}").json()["dustLevel"]
        assert (read["value"], read["observedAt"]) == (40, "2026-01-01T00:00:00Z")
        asked = {"type": "AirQualityObserved", "q": "dustLevel>39"}
        assert [one["id"] for one in client.get("/ngsi-ld/v1/entities", params=asked).json()] == [STATION["id"]]
        located = {one["name"]: one["located"] for one in client.get("/api/v1/types").json()}
        assert located["AirQualityObserved"] == 1


def until(holds: object) -> None:
    """Wait until it holds."""
    for _ in range(300):
        try:
            if callable(holds) and holds():
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("it does not come to hold")
