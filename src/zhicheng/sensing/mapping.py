"""Mappings: how rows of a table become entities, as a few lines of TOML; docs/feeds.md explains every key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from string import Formatter
from typing import ClassVar, Literal

from zhicheng.kernel import instants
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.settings import Where, read, unknown

ValueKind = Literal[
    "auto", "number", "text", "boolean", "time", "json", "geometry", "relationship", "vocabulary", "language"
]
FileFormat = Literal["auto", "csv", "xlsx", "parquet", "json", "geojson", "ngsi-ld"]

NULLS = ("", "null", "NULL", "N/A", "n/a", "#N/A", "NA", "-", "--", "None", "无", "缺测")
"""Cells that say nothing, unless the mapping lists its own."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")


@dataclass(frozen=True, slots=True)
class Value:
    """One attribute: the column it comes from, and how its cells are read."""

    shorthand: ClassVar[str] = "column"
    column: str = ""
    kind: ValueKind = "auto"
    unit: str | None = None
    scale: float = 1.0
    offset: float = 0.0
    min: float | None = None
    max: float | None = None
    values: dict[str, object] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    value: object = None
    id: str = ""
    language: str = ""
    format: str = "iso"
    zone: str | None = None
    dataset: str | None = None

    def __post_init__(self) -> None:
        if self.kind == "relationship" and not self.id:
            raise Invalid('a relationship needs id = "urn:...:{column}"', '关系需要 id = "urn:...:{列名}"')
        if self.kind == "language" and not self.language:
            raise Invalid('kind "language" needs language = "zh"', 'kind "language" 需要 language = "zh"')


@dataclass(frozen=True, slots=True)
class Time:
    """The column (or columns, joined by a space) that says when; `format` is iso, unix, unix ms, excel or a pattern.

    at: instead of a column, the instant since when all rows hold, for tables that do not say
    """

    shorthand: ClassVar[str] = "column"
    column: tuple[str, ...] = ()
    format: str = "iso"
    zone: str | None = None
    at: str = ""

    def __post_init__(self) -> None:
        if bool(self.column) == bool(self.at):
            raise Invalid("time needs column or at", "time 需要 column 或 at 之一")
        if self.at:
            instants.parse(self.at)


@dataclass(frozen=True, slots=True)
class Location:
    """Where: columns of latitude and longitude, or one of geometries as GeoJSON or WKT."""

    shorthand: ClassVar[str] = "geometry"
    lat: str = ""
    lon: str = ""
    geometry: str = ""
    datum: str = "WGS84"
    attribute: str = "location"

    def __post_init__(self) -> None:
        if bool(self.geometry) == bool(self.lat and self.lon):
            raise Invalid("location needs lat and lon, or geometry", "location 需要 lat 与 lon，或者 geometry")


@dataclass(frozen=True, slots=True)
class TableMapping:
    """How the rows of some files become changes of entities of one type."""

    type: tuple[str, ...] = ()
    id: str = ""
    attributes: dict[str, Value] = field(default_factory=dict)
    time: Time | None = None
    location: Location | None = None
    wide: bool = False
    skip: tuple[str, ...] = ()
    null: tuple[str, ...] = NULLS
    decimal: Literal[".", ","] = "."
    thousands: str = ""
    files: tuple[str, ...] = ("*",)
    format: FileFormat = "auto"
    encoding: str = ""
    delimiter: str = ""
    header: int = 1
    sheet: str = ""
    records: str = ""
    owner: str = ""
    simulated: bool = False

    def __post_init__(self) -> None:
        if self.format == "ngsi-ld":
            return
        if not self.type or not self.id:
            raise Invalid("a mapping needs type and id", "映射需要 type 和 id")
        if self.header < 1:
            raise Invalid("header is the number of a row, from 1", "header 是行号，从 1 开始")
        template(self.id)
        if self.wide:
            self._check_wide()
        elif not self.attributes and not self.location:
            raise Invalid("a mapping needs [attributes] or location", "映射需要 [attributes] 或 location")
        for name, value in self.attributes.items():
            if not (self.wide or value.column or value.id or value.members or value.value is not None):
                raise Invalid(f"attribute {name} needs a column or a value", f"属性 {name} 需要 column 或 value")

    def _check_wide(self) -> None:
        if len(self.attributes) != 1 or not self.time:
            raise Invalid(
                "a wide table gives exactly one attribute and needs time", "宽表恰好对应一个属性，并且需要 time"
            )
        if template(self.id)[1] != ("column",):
            raise Invalid('the id of a wide table is "...{column}"', '宽表的 id 应为 "...{column}"')

    def takes(self, member: str) -> bool:
        """Whether one of the patterns of `files` fits a file's name or path.

        >>> TableMapping(type=("T",), id="urn:x:{a}", attributes={"a": Value("a")}, files=("2023-*.csv",)).takes(
        ...     "data/2023-03-01.csv")
        True
        """
        name = member.rsplit("/", 1)[-1]
        return any(fnmatchcase(name, pattern) or fnmatchcase(member, pattern) for pattern in self.files)


@dataclass(frozen=True, slots=True)
class Mappings:
    """The `[mappings.*]` tables of a configuration, in their order; the first that takes a file reads it."""

    mappings: dict[str, TableMapping]

    def of(self, member: str) -> tuple[str, TableMapping] | None:
        """The name and mapping for a file, or None if none takes it."""
        return next(((name, one) for name, one in self.mappings.items() if one.takes(member)), None)


def read_mappings(table: Mapping[str, object], file: str, names: Iterable[str] = ()) -> Mappings:
    """The mappings of a configuration (its other tables are others' business), or only the named ones.

    >>> tables = {"mappings": {"a": {"type": "T", "id": "urn:x:{n}", "attributes": {"v": "n"}}}, "server": {}}
    >>> read_mappings(tables, "city.toml").of("any.csv")[0]
    'a'
    """
    where = Where(file).of("mappings")
    tables = table.get("mappings")
    if not isinstance(tables, Mapping) or not tables:
        raise Where(file).refuse(
            "has no [mappings.NAME] table, which says what an import's columns mean",
            "没有 [mappings.名称] 表，无法得知导入文件各列的含义",
        )
    for name in names:
        if name not in tables:
            raise unknown(where, name, tables)
    chosen = list(names) or list(tables)
    for name in chosen:
        if not isinstance(tables[name], Mapping):
            raise where.refuse(f"{name} must be a table", f"{name} 应为表", key=name)
    return Mappings({name: read(TableMapping, tables[name], where.of(name)) for name in chosen})


def template(pattern: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A template's literal parts and the columns between them; one literal more than columns.

    A template that is a column alone takes whole URIs from it.

    >>> template("urn:ngsi-ld:Stop:{line}:{stop}")
    (('urn:ngsi-ld:Stop:', ':', ''), ('line', 'stop'))
    """
    try:
        pieces = list(Formatter().parse(pattern))
    except ValueError as error:
        raise Invalid(f"id {pattern!r} is not a template: {error}", f"id {pattern!r} 不是有效的模板：{error}") from None
    literals = [piece[0] for piece in pieces]
    columns = tuple(piece[1] for piece in pieces if piece[1] is not None)
    alone = literals == [""] and len(columns) == 1
    if not columns or not all(columns) or not (alone or _SCHEME.match(literals[0] + "x")):
        raise Invalid(
            f'id {pattern!r} must be a URI with columns in braces, such as "urn:ngsi-ld:Stop:{{stop_id}}"',
            f'id {pattern!r} 应为带花括号列名的 URI，例如 "urn:ngsi-ld:Stop:{{stop_id}}"',
        )
    if len(literals) == len(columns):
        literals.append("")
    return tuple(literals), columns
