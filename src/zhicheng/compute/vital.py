"""The declaration of a vital sign (城市运行体征): one figure of the whole city, made of many entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.instants import DAY
from zhicheng.standards.models.model import Label

Aggregate = Literal["mean", "sum", "ratio", "share", "count", "heard", "percentile", "told"]
Bad = Literal["high", "low", "both"]
_NEEDS_ATTRIBUTE = ("mean", "sum", "ratio", "heard", "percentile")


@dataclass(frozen=True, slots=True)
class Vital:
    """A figure of the city.

    type, attribute: of what it is made, by short names of the city's models
    aggregate: of the entities' values the "mean", the "sum" or a "percentile"; the "ratio" of the sum of `attribute` to
        the sum of `per`; the "share" of entities that fulfil `q`; the "count" of entities; the share "heard" of;
        "told" is what the platform says of itself, and not derived from entities
    q: which entities count (for "share": which ones are in the share), in the query language of NGSI-LD
    fresh: a value older than so many microseconds does not count; 0 for never
    bad: which side is bad; watch, alarm: values from which on it is to be watched, and is bad. Without them the usual
        range of the hour and weekday is the measure
    percentile: which; low, high: the values between which it is told apart in 64 steps
    unit: a UN/CEFACT code; ratios and shares in P1 are per cent
    """

    name: str
    label: Label
    type: str
    aggregate: Aggregate
    attribute: str = ""
    per: str = ""
    q: str = ""
    unit: str = "C62"
    bad: Bad = "both"
    watch: float | None = None
    alarm: float | None = None
    fresh: int = DAY
    percentile: float = 90.0
    low: float = 0.0
    high: float = 100.0

    def __post_init__(self) -> None:
        """Invalid for what cannot be computed."""
        if not all(self.label):
            raise _wrong(self, "has no name in both languages", "缺少中英文名称")
        if self.aggregate in _NEEDS_ATTRIBUTE and not self.attribute:
            raise _wrong(self, f"needs an attribute for {self.aggregate}", f"的 {self.aggregate} 需要属性（attribute）")
        if self.aggregate == "ratio" and not self.per:
            raise _wrong(self, "needs per, the attribute below the line", "需要分母属性 per")
        if self.aggregate == "share" and not self.q:
            raise _wrong(self, "needs q, which says what is in the share", "需要条件 q")
        if self.aggregate == "heard" and self.fresh <= 0:
            raise _wrong(self, "needs fresh, within which an entity counts as heard of", "需要时限 fresh")
        if self.aggregate == "percentile" and not (0 < self.percentile < 100 and self.low < self.high):
            raise _wrong(self, "needs a percentile between 0 and 100 and low below high", "的百分位数或取值范围无效")
        if self.aggregate == "count" and not (self.attribute or self.q):
            raise _wrong(self, "needs an attribute or q to know whom to count", "需要 attribute 或 q 才能计数")

    @property
    def scale(self) -> float:
        """What the aggregate is multiplied with to be shown."""
        return 100.0 if self.unit == "P1" and self.aggregate in ("ratio", "share", "heard") else 1.0

    @property
    def lasting(self) -> bool:
        """Whether an entity that fell silent still belongs to the whole that is counted in."""
        return self.aggregate in ("heard", "count")


def _wrong(vital: Vital, en: str, zh: str) -> Invalid:
    return Invalid(f"The vital sign {vital.name} {en}", f"运行体征 {vital.name} {zh}", vital=vital.name)
