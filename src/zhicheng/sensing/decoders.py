"""The decoders a feed's configuration can name. A new one is a line in `DECODERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from zhicheng.kernel.errors import BadConfiguration
from zhicheng.sensing.basemap import SET as BASEMAP
from zhicheng.sensing.basemap import decode_basemap
from zhicheng.sensing.decoded import Decoded, DecodeSettings
from zhicheng.sensing.tabular import decode_ngsild, table_decoder
from zhicheng.sensing.timetable import decode_static
from zhicheng.sensing.transit import decode_realtime

Decode = Callable[[bytes, DecodeSettings], Decoded]


@dataclass(frozen=True, slots=True)
class Decoder:
    """A decoder: its name in the configuration, what it is called, and its function."""

    name: str
    zh: str
    en: str
    decode: Decode
    needs: tuple[str, ...] = ()
    """Settings without which it gives less: `static`, a timetable; or nothing: `mapping`, the meaning of columns."""
    keeps: str = ""
    """The reference table set that its tables go to, each in place of the one before it; else a set of the network."""


DECODERS: dict[str, Decoder] = {
    decoder.name: decoder
    for decoder in (
        Decoder("gtfs", "公交时刻表（GTFS）", "Timetable (GTFS)", decode_static),
        Decoder(
            "gtfs-rt", "公交实时数据（GTFS Realtime）", "Live transit (GTFS Realtime)", decode_realtime, ("static",)
        ),
        Decoder("csv", "CSV 表格", "CSV table", table_decoder("csv"), ("mapping",)),
        Decoder("json", "JSON 记录", "JSON records", table_decoder("json"), ("mapping",)),
        Decoder("geojson", "GeoJSON 要素", "GeoJSON features", table_decoder("geojson"), ("mapping",)),
        Decoder("xlsx", "XLSX 工作表", "XLSX worksheet", table_decoder("xlsx"), ("mapping",)),
        Decoder("parquet", "Parquet 表", "Parquet table", table_decoder("parquet"), ("mapping",)),
        Decoder("basemap", "底图（GeoJSON）", "Base map (GeoJSON)", decode_basemap, keeps=BASEMAP),
        Decoder("ngsi-ld", "NGSI-LD 实体", "NGSI-LD entities", decode_ngsild),
    )
}


def decoder(name: str) -> Decoder:
    """The decoder of a name. Raises BadConfiguration that names the nearest.

    >>> decoder("gtfs-rt").needs
    ('static',)
    """
    found = DECODERS.get(name)
    if found is None:
        near = get_close_matches(name, DECODERS, n=1)
        hint, hint_zh = (f"; did you mean {near[0]!r}?", f"，是否为 {near[0]!r}？") if near else ("", "")
        raise BadConfiguration(
            f"There is no decoder {name!r}{hint} Known: {', '.join(DECODERS)}",
            f"没有解码器 {name!r}{hint_zh} 可用：{'、'.join(DECODERS)}",
            decoder=name,
        )
    return found
