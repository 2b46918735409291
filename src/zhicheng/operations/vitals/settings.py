"""[vitals.NAME] of the city's file: a vital sign of the city's own, or other words for one that is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from zhicheng.compute.terms import iri
from zhicheng.compute.vital import Aggregate, Bad, Vital
from zhicheng.kernel.errors import Invalid
from zhicheng.kernel.settings import Duration, Where, unknown
from zhicheng.operations.vitals.logic import recipe
from zhicheng.standards.models.model import Label
from zhicheng.standards.units import UNITS


@dataclass(frozen=True, slots=True)
class SignLabel:
    """What a vital sign is called."""

    shorthand: ClassVar[str] = "zh"
    zh: str
    en: str = ""


@dataclass(frozen=True, slots=True)
class VitalSettings:
    """A vital sign as the city tells it; what is left out stays as it is declared (`compute/vital.py` says what)."""

    enabled: bool = True
    label: SignLabel | None = None
    type: str | None = None
    aggregate: Aggregate | None = None
    attribute: str | None = None
    per: str | None = None
    q: str | None = None
    unit: str | None = None
    bad: Bad | None = None
    watch: float | None = None
    alarm: float | None = None
    fresh: Duration | None = None
    percentile: float | None = None
    low: float | None = None
    high: float | None = None


def chosen(
    declared: Iterable[Vital], told: Mapping[str, VitalSettings], terms: Mapping[str, str], file: str
) -> tuple[Vital, ...]:
    """The city's vital signs; BadConfiguration names the table of its file that cannot be followed."""
    found = {vital.name: vital for vital in declared}
    for name, settings in told.items():
        found[name] = _told(name, found.get(name), settings, terms, Where(file).of("vitals").of(name))
    return tuple(vital for name, vital in found.items() if name not in told or told[name].enabled)


def _told(
    name: str, known: Vital | None, settings: VitalSettings, terms: Mapping[str, str], where: Where
) -> Vital:  # fmt: skip
    said: dict[str, Any] = {
        one.name: value
        for one in fields(settings)
        if one.name not in ("enabled", "label") and (value := getattr(settings, one.name)) is not None
    }
    if settings.label is not None:
        said["label"] = Label(settings.label.en or settings.label.zh, settings.label.zh)
    if known is None and not {"type", "aggregate"} <= said.keys():
        raise where.refuse("is a new vital sign: it needs type and aggregate", "是新的体征，需要 type 和 aggregate")
    if known is None:
        said.setdefault("label", Label(name, name))
    try:
        vital = Vital(name, **said) if known is None else replace(known, **said)
        made = recipe(vital, terms)
    except Invalid as error:
        raise where.refuse(error.en, error.zh) from None
    known_iris = {*terms.values()}
    for word in (vital.type, vital.attribute, vital.per):
        if word and ":" not in word and word not in terms:
            raise unknown(where, word, terms)
    for name_ in made.attributes:
        if name_ not in known_iris and name_ == iri(name_.rpartition(":")[2], terms):
            raise unknown(where, name_.rpartition(":")[2], terms)
    if vital.unit not in UNITS:
        raise where.refuse(f"has a unit that nobody knows: {vital.unit}", f"的单位代码无效：{vital.unit}")
    return vital
