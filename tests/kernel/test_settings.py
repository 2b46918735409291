from dataclasses import dataclass, field
from typing import ClassVar, Literal

import pytest

from zhicheng.kernel import instants
from zhicheng.kernel.errors import BadConfiguration, Invalid
from zhicheng.kernel.settings import Duration, Instant, Size, Where, overlay, parse, read


@dataclass(frozen=True)
class Column:
    shorthand: ClassVar[str] = "column"
    column: str
    scale: float = 1.0


@dataclass(frozen=True)
class Feed:
    url: str
    interval: Duration = 30 * instants.SECOND
    limit: Size = 10
    since: Instant | None = None
    retries: int = 3
    gzip: bool = True
    method: Literal["GET", "POST"] = "GET"
    tags: tuple[str, ...] = ()
    columns: dict[str, Column] = field(default_factory=dict)
    from_: str = ""

    def __post_init__(self) -> None:
        if self.retries < 0:
            raise Invalid("retries must not be negative", "retries 不能为负")


WHERE = Where("city.toml", "feeds.bus")


def test_reads_every_kind_of_value() -> None:
    text = """
        url = "http://x"
        interval = "1 h 30 min"
        limit = "100 MB"
        since = 2024-02-08T12:00:00Z
        tags = ["a", "b"]
        from = "here"
        [columns]
        free = "frei"
        used = { column = "belegt", scale = 2 }
    """
    feed = read(Feed, parse(text, "city.toml"), WHERE)
    assert feed.interval == 90 * instants.MINUTE and feed.limit == 100_000_000
    assert feed.since == instants.parse("2024-02-08T12:00:00Z")
    assert feed.tags == ("a", "b") and feed.from_ == "here"
    assert feed.columns == {"free": Column("frei"), "used": Column("belegt", 2.0)}


@pytest.mark.parametrize(
    ("text", "en", "zh"),
    [
        (
            'url="x"\nintervall="3 s"',
            "city.toml: [feeds.bus] has no key 'intervall'; did you mean 'interval'?",
            "interval",
        ),
        ('url="x"\nzzz=1', "known are: columns, from, gzip", "可用的键"),
        ("", "needs the key 'url'", "缺少键"),
        ("url=1", "url must be text in quotes, not 1", "文本"),
        ('url="x"\ninterval=30', "interval must be a duration in quotes", "时长"),
        ('url="x"\ninterval="30"', "interval: '30' is not a duration", "时长"),
        ('url="x"\ninterval="30 parsecs"', "is not a duration", "时长"),
        ('url="x"\nlimit="1 XB"', "is not a size", "大小"),
        ('url="x"\nretries=true', "retries must be a whole number, not True", "整数"),
        ('url="x"\nretries=-1', "[feeds.bus] retries must not be negative", "不能为负"),
        ('url="x"\nmethod="GETT"', "method must be one of GET, POST, not 'GETT'; did you mean 'GET'?", "之一"),
        ('url="x"\nsince="yesterday"', "is not a date-time with zone", "日期时间"),
        ('url="x"\nsince=2024-02-08T12:00:00', "has no time zone", "没有时区"),
        ('url="x"\ncolumns=3', "columns must be a table", "表"),
        (
            'url="x"\n[columns.free]\ncolumnn="a"',
            "[feeds.bus.columns.free] has no key 'columnn'; did you mean 'column'?",
            "column",
        ),
        ('url="x"\ntags=["a", 3]', "tags[1] must be text", "文本"),
    ],
)
def test_names_what_is_wrong(text: str, en: str, zh: str) -> None:
    with pytest.raises(BadConfiguration) as caught:
        read(Feed, parse(text, "city.toml"), WHERE)
    assert en in caught.value.en and zh in caught.value.zh
    assert caught.value.facts["file"] == "city.toml"


def test_broken_toml_names_the_file_and_line() -> None:
    with pytest.raises(BadConfiguration, match=r"city.toml is not valid TOML.*line 1"):
        parse("a = = 1", "city.toml")


def test_environment_overrides_by_path() -> None:
    table = {"feeds": {"bus": {"url": "a"}}, "port": 1}
    result = overlay(table, {"ZHICHENG_FEEDS__BUS__URL": "http://b", "ZHICHENG_DATA": "/d", "OTHER__X": "1"})
    assert result == {"feeds": {"bus": {"url": "http://b"}}, "port": 1}
    assert table == {"feeds": {"bus": {"url": "a"}}, "port": 1}
    with pytest.raises(BadConfiguration, match="which is no table"):
        overlay(table, {"ZHICHENG_PORT__X": "1"})
