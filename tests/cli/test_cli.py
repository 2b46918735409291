"""The command as a person types it, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from tests.server.parks import ENTITIES, ONE, park

PROGRAM = Path(sys.executable).with_name("zhicheng")
Running = Callable[..., tuple[subprocess.Popen[str], str, list[str]]]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def typed(*words: object, status: int = 0, language: str = "en") -> str:
    """Run a command; gives what it printed, both streams together."""
    environ = {**os.environ, "ZHICHENG_LANG": language, "COLUMNS": "200"}
    command = [str(PROGRAM), *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, timeout=120, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """Starts `zhicheng run`; gives the process, its address and what it said."""
    children: list[subprocess.Popen[str]] = []

    def start(*words: object) -> tuple[subprocess.Popen[str], str, list[str]]:
        port = free_port()
        command = [str(PROGRAM), "run", "--port", str(port), *(str(word) for word in words)]
        environ = {**os.environ, "ZHICHENG_LANG": "en"}
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environ)
        children.append(child)
        assert child.stdout is not None
        said = [child.stdout.readline()]
        if "--no-auth" not in words:
            said.append(child.stdout.readline())
        return child, f"http://127.0.0.1:{port}", said

    yield start
    for child in children:
        if child.poll() is None:
            child.kill()
        child.wait()


def test_help_speaks_both_languages() -> None:
    assert "start the platform" in typed("--help") and "启动平台" in typed("--help", language="zh")
    assert "数据文件夹" in typed("run", "--help", language="zh")
    assert "usage" in typed(status=2)


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    assert "--no-auth" in typed("init", tmp_path / "city")
    assert (tmp_path / "city" / "format").read_text() == "1\n"
    assert "already" in typed("init", tmp_path / "city", status=1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    assert "holds other things" in typed("init", tmp_path / "full", status=1)
    (tmp_path / "city" / "format").write_text("99\n")
    assert "newer version" in typed("run", "--data", tmp_path / "city", "--no-auth", status=1)
    assert "--data DIR" in typed("query", "SELECT 1", status=1)


def test_a_city_runs_is_asked_while_it_runs_and_stops_cleanly(tmp_path: Path, running: Running) -> None:
    data = tmp_path / "city"
    typed("init", data)
    child, url, said = running("--data", data, "--no-auth")
    assert url in said[0]
    assert httpx.post(url + ENTITIES, json=park()).status_code == 201
    rows = json.loads(
        typed(
            "query",
            "--data",
            data,
            "SELECT attribute, number FROM entities WHERE number IS NOT NULL",
            "--format",
            "json",
        )
    )
    assert rows == [{"attribute": "availableSpotNumber", "number": 121.0}]
    assert "all checksums right" in typed("doctor", "--data", data)
    assert "in use by zhicheng run" in typed(
        "import", "--data", data, EXAMPLES / "city" / "places" / "places.ndjson", status=1
    )
    assert "in use" in typed("run", "--data", data, "--no-auth", "--port", free_port(), status=1)
    child.send_signal(signal.SIGTERM)
    assert child.wait(15) == 0
    assert "2" in typed("query", "--data", data, "SELECT 1 + 1", "--format", "csv")
    again, url, _ = running("--data", data, "--no-auth")
    assert httpx.get(url + ONE).json() == park()
    again.send_signal(signal.SIGINT)
    assert again.wait(15) == 0


def test_the_first_start_gives_a_link_to_the_first_account(tmp_path: Path, running: Running) -> None:
    data = tmp_path / "city"
    child, url, said = running("--data", data)
    address, _, link = said[1].split()[-1].partition("#")
    assert address == f"{url}/welcome"
    assert httpx.get(url + "/api/v1/state").status_code == 401
    browser = httpx.Client(base_url=url, headers={"Origin": url})
    chief = {"link": link, "name": "chief", "password": "four words and more"}
    assert browser.post("/api/v1/links", json=chief).json()["person"]["roles"] == ["admin"]
    assert browser.get("/api/v1/state").status_code == 200
    made = typed("account", "create", "li.na", "--role", "operator", "--data", data, "--set", f"server.port={url[-5:]}")
    invited = httpx.Client(base_url=url, headers={"Origin": url})
    asked = {"link": made.split()[-1].partition("#")[2], "password": "three fine words"}
    assert invited.post("/api/v1/links", json=asked).status_code == 200
    assert "operator" in typed("account", "list", "--data", data)
    typed("account", "disable", "li.na", "--data", data)
    time.sleep(1.1)
    assert invited.get("/api/v1/state").status_code == 401
    registered = typed("client", "create", "bus desk", "--redirect", "https://app.example/back", "--data", data)
    assert "client_secret" in registered and "bus desk" in typed("client", "list", "--data", data)
    assert "cannot be a redirect" in typed(
        "client", "create", "x", "--redirect", "http://far.example", "--data", data, status=1
    )
    child.kill()


def test_tokens_are_made_listed_and_revoked_while_the_city_runs(tmp_path: Path, running: Running) -> None:
    data = tmp_path / "city"
    child, url, _ = running("--data", data)
    reader = typed("token", "create", "clerk", "--role", "reader", "--data", data).strip()
    time.sleep(1.1)
    assert httpx.get(url + "/api/v1/state", headers={"Authorization": f"Bearer {reader}"}).status_code == 200
    listed = typed("token", "list", "--data", data)
    assert "clerk" in listed and reader not in listed
    identifier = next(line.split()[1] for line in listed.splitlines() if "clerk" in line)
    typed("token", "revoke", identifier, "--data", data)
    time.sleep(1.1)
    assert httpx.get(url + "/api/v1/state", headers={"Authorization": f"Bearer {reader}"}).status_code == 401
    assert "no role" in typed("token", "create", "x", "--role", "king", "--data", data, status=1)
    assert "no token" in typed("token", "revoke", "none", "--data", data, status=1)
    child.kill()


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_the_open_door_is_refused_on_the_network(host: str, tmp_path: Path) -> None:
    said = typed("run", "--data", tmp_path / "c", "--no-auth", "--host", host, status=1)
    assert "--no-auth is refused" in said and not (tmp_path / "c").exists()


def test_mistakes_in_the_city_file_are_told(tmp_path: Path) -> None:
    city = tmp_path / "city.toml"
    city.write_text("[server]\nprot = 1\n", "utf-8")
    assert "did you mean 'port'" in typed("run", "--data", tmp_path / "c", "--city", city, "--no-auth", status=1)
    assert "是否应为 'port'" in typed("run", "--data", tmp_path / "c", "--city", city, status=1, language="zh")
    assert "✗" in typed("doctor", "--city", city, status=1)
    assert "cannot be read" in typed("feed", "list", "--city", tmp_path / "none.toml", status=1)


def test_files_are_imported_with_a_report_of_what_was_refused(tmp_path: Path) -> None:
    (tmp_path / "bins.csv").write_text("n,level,lat,lon\n1,0.5,22.8,108.3\n2,much,22.8,108.4\n,0.1,1,1\n", "utf-8")
    (tmp_path / "map.toml").write_text(
        '[mappings.bins]\nfiles = "bins*.csv"\ntype = "WasteContainer"\nid = "urn:ngsi-ld:WasteContainer:{n}"\n'
        'location = { lat = "lat", lon = "lon" }\n'
        'attributes = { fillingLevel = { column = "level", kind = "number" } }\n',
        "utf-8",
    )
    report = tmp_path / "report.csv"
    said = typed("import", tmp_path / "map.toml", tmp_path / "bins.csv", "--data", tmp_path / "c", "--report", report)
    assert "3 rows" in said and "2 entities created" in said and str(report) in said
    lines = report.read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("file,row,column") and any("much" in line for line in lines)
    places = EXAMPLES / "city" / "places" / "places.ndjson"
    assert "8 entities created" in typed("import", places, "--data", tmp_path / "c")
    assert "8 rows" in typed("import", places, "--data", tmp_path / "c")
    out = tmp_path / "out.parquet"
    typed(
        "query",
        "SELECT DISTINCT type FROM entities ORDER BY 1",
        "--data",
        tmp_path / "c",
        "--format",
        "parquet",
        "--output",
        out,
    )
    assert pq.read_table(out).column("type").to_pylist() == [
        "AdministrativeArea",
        "GtfsRoute",
        "OffStreetParking",
        "WasteContainer",
    ]
    assert "cannot be read" in typed("import", tmp_path / "none.csv", "--data", tmp_path / "c", status=1)


def test_sql_reads_the_two_relations_and_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "city"
    typed("import", EXAMPLES / "city" / "places" / "places.ndjson", "--data", data)
    for sql, said in (
        ("SELECT * FROM read_csv('/etc/hostname')", "out of reach"),
        ("COPY (SELECT 1) TO '/tmp/x.csv'", "one SELECT statement"),
        ("SELECT * FROM entitis", "The query failed"),
        ("SELECT count(*) FROM range(10000000000) a, range(10000000000) b", "took longer than 2 s"),
    ):
        assert said in typed("query", "--data", data, sql, "--time", "2 s", status=1)


def test_feeds_are_listed_and_tried_without_storing(tmp_path: Path) -> None:
    city = EXAMPLES / "city.toml"
    listed = typed("feed", "list", "--city", city)
    assert "live" in listed and "places" in listed
    tried = typed("feed", "test", "live", "--city", city, "--show", "1")
    assert "Vehicle: 12" in tried and "urn:ngsi-ld:Vehicle:demo:100" in tried
    assert "did you mean 'live'" in typed("feed", "test", "life", "--city", city, status=1)
    assert "no folder" in typed("feed", "test", "live", "--city", city, "--set", "feeds.live.replay=nowhere", status=1)
