"""The city's file: what it may say, and what is said to who mistypes."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhicheng.kernel.errors import BadConfiguration
from zhicheng.server.decoding import settings_of
from zhicheng.server.documents import contexts_of, contexts_with, models_of
from zhicheng.server.settings import CityFile, changes_of, load_city, parse_city
from zhicheng.standards.ngsild.context import Contexts

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def city(text: str, **environ: str) -> CityFile:
    return parse_city(text, Path("city.toml"), environ)


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.toml")), ids=lambda file: file.name)
def test_every_example_can_be_read_and_its_feeds_make_sense(file: Path) -> None:
    found = load_city(file, {})
    contexts = contexts_with(found)
    for name, feed in found.settings.feeds.items():
        settings_of(name, feed, contexts, file.name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sever]\nport = 1", "did you mean 'server'?"),
        ("[server]\nprot = 1", "did you mean 'port'?"),
        ("[city]\nname = { zh = 1 }", "text in quotes"),
        ('[city]\ntime_zone = "Mars/Olympus"', "Mars/Olympus"),
        ("[city]\ncentre = [1.0]", "centre is"),
        ("[models]\ndefault_check = 'maybe'", "default_check"),
        ('[feeds.a]\ndecoder = "csv"', "needs one of url, folder, replay and push"),
        ('[feeds.a]\ndecoder = "csv"\nurl = "ftp://x"', "http"),
        ("[server", "not valid TOML"),
        ('[city]\ntenant = "../up"', "cannot name a tenant"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadConfiguration) as refused:
        city(text)
    assert said in refused.value.en and "city.toml" in refused.value.en and refused.value.zh


def test_a_decoder_that_does_not_exist_names_the_nearest() -> None:
    feed = city('[feeds.a]\ndecoder = "gtfs-rtt"\nurl = "http://x"').settings.feeds["a"]
    with pytest.raises(BadConfiguration, match="did you mean 'gtfs-rt'"):
        settings_of("a", feed, Contexts(), "city.toml")


def test_a_table_without_its_mapping_is_refused() -> None:
    feed = city('[feeds.a]\ndecoder = "csv"\nurl = "http://x"').settings.feeds["a"]
    with pytest.raises(BadConfiguration, match="mapping"):
        settings_of("a", feed, Contexts(), "city.toml")


def test_the_environment_and_set_override_the_file() -> None:
    found = city("[server]\nport = 1", **changes_of(("server.port=2", "city.time_zone=Asia/Shanghai")))
    assert (found.settings.server.port, found.settings.city.time_zone) == (2, "Asia/Shanghai")
    with pytest.raises(BadConfiguration):
        changes_of(("port",))


def test_a_name_is_in_both_languages() -> None:
    assert city('[city]\nname = "南宁"').settings.city.name.en == "南宁"
    assert city("").settings.city.name.en == "zhicheng"


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match=r"nowhere\.toml"):
        load_city(tmp_path / "nowhere.toml", {})
    file = tmp_path / "city.toml"
    file.write_text('[contexts]\n"https://x.org/c" = "gone.jsonld"', "utf-8")
    with pytest.raises(BadConfiguration, match=r"gone\.jsonld"):
        contexts_of(load_city(file, {}))
    file.write_text('[models]\nfolders = ["nothing"]', "utf-8")
    with pytest.raises(BadConfiguration, match="nothing"):
        models_of(load_city(file, {}))
