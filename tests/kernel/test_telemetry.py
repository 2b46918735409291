import io
import json
import logging

import pytest

from zhicheng.kernel.logs import log_to
from zhicheng.kernel.telemetry import Prometheus, Silent, Telemetry


@pytest.mark.parametrize("telemetry", [Prometheus(), Silent()])
def test_instruments_answer_alike(telemetry: Telemetry) -> None:
    telemetry.counter("c", "count", ["feed"]).add(feed="a")
    telemetry.counter("c", "count", ["feed"]).add(2, feed="a")
    telemetry.gauge("g", "gauge").set(5)
    telemetry.histogram("h", "seconds").observe(0.2)
    if isinstance(telemetry, Prometheus):
        text = telemetry.exposition().decode()
        assert 'zhicheng_c_total{feed="a"} 3.0' in text and "zhicheng_g 5.0" in text
        assert 'zhicheng_h_bucket{le="0.25"} 1.0' in text


@pytest.mark.parametrize("form", ["json", "human"])
def test_a_peers_text_cannot_forge_a_line(form: str) -> None:
    stream = io.StringIO()
    root = log_to(stream, "json" if form == "json" else "human")
    try:
        logging.getLogger("zhicheng.network").warning(
            "from %s", "x\n2024-01-01 info    zhicheng: all well", extra={"facts": {"feed": "b\rus"}}
        )
        lines = stream.getvalue().splitlines()
        assert len(lines) == 1
        if form == "json":
            assert json.loads(lines[0])["feed"] == "b\rus"
    finally:
        root.handlers, root.propagate = [], True
