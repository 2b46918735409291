"""What breaks a model, in words of both languages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

from zhicheng.standards.ngsild.model import Kind, Quality

if TYPE_CHECKING:
    from collections.abc import Iterable

    import jsonschema_rs

    from zhicheng.kernel.errors import Language
    from zhicheng.standards.models.model import AttributeModel, Model


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach: `path` from the entity's members down (`address.postalCode`), and which quality bit it sets."""

    path: str
    en: str
    zh: str
    quality: Quality = Quality.MODEL

    def text(self, language: Language) -> str:
        """Where and what, in the asked language."""
        return f"{self.path}：{self.zh}" if language == "zh" else f"{self.path}: {self.en}"


KINDS_ZH = {
    Kind.PROPERTY: "属性",
    Kind.RELATIONSHIP: "关系",
    Kind.GEO: "地理属性",
    Kind.LANGUAGE: "多语言属性",
    Kind.VOCABULARY: "词汇属性",
    Kind.JSON: "JSON 属性",
    Kind.LIST: "列表属性",
    Kind.LIST_RELATIONSHIP: "列表关系",
}
KINDS_EN = {
    Kind.PROPERTY: "Property",
    Kind.RELATIONSHIP: "Relationship",
    Kind.GEO: "GeoProperty",
    Kind.LANGUAGE: "LanguageProperty",
    Kind.VOCABULARY: "VocabProperty",
    Kind.JSON: "JsonProperty",
    Kind.LIST: "ListProperty",
    Kind.LIST_RELATIONSHIP: "ListRelationship",
}
_TYPES_ZH = {
    "number": "数字",
    "integer": "整数",
    "string": "文本",
    "boolean": "布尔值",
    "array": "列表",
    "object": "对象",
    "null": "空值",
}
_FORMATS = {
    "date-time": ("a date-time with zone, such as 2026-03-02T08:00:00Z", "带时区的日期时间，例如 2026-03-02T08:00:00Z"),
    "date": ("a date, such as 2026-03-02", "日期，例如 2026-03-02"),
    "iri": ("a URI, such as urn:ngsi-ld:Device:1", "URI，例如 urn:ngsi-ld:Device:1"),
}
# keyword of JSON Schema -> words; {0} the value, {1} what the schema asks
_WORDS = {
    "type": ("{0} is not of type {1}", "{0} 的类型不是{1}"),
    "minimum": ("{0} is below {1}, the lowest value", "{0} 低于最小值 {1}"),
    "maximum": ("{0} is above {1}, the highest value", "{0} 高于最大值 {1}"),
    "exclusiveMinimum": ("{0} is not above {1}", "{0} 未大于 {1}"),
    "exclusiveMaximum": ("{0} is not below {1}", "{0} 未小于 {1}"),
    "enum": ("{0} is not one of {1}", "{0} 不在允许的取值 {1} 之内"),
    "const": ("{0} is not {1}", "{0} 不是 {1}"),
    "pattern": ("{0} does not have the form {1}", "{0} 不符合格式 {1}"),
    "format": ("{0} is not {1}", "{0} 不是{1}"),
    "minItems": ("there are fewer than {1} members", "成员少于 {1} 个"),
    "maxItems": ("there are more than {1} members", "成员多于 {1} 个"),
    "minLength": ("{0} is shorter than {1} characters", "{0} 短于 {1} 个字符"),
    "maxLength": ("{0} is longer than {1} characters", "{0} 长于 {1} 个字符"),
}
_RANGES = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def quality_of(violations: Iterable[Violation]) -> Quality:
    """All quality bits that breaches set together."""
    return reduce(or_, (violation.quality for violation in violations), Quality.NONE)


def of_schema(error: jsonschema_rs.ValidationError, model: Model) -> Violation:
    """A breach found by the schema."""
    path = ".".join(str(step) for step in error.instance_path)
    keyword = error.kind.name
    if keyword == "required":
        return missing(path, error.kind.as_dict()["property"], model)
    en, zh = _WORDS.get(keyword, ("{0} does not fit the model", "{0} 不符合模型"))
    asked_en, asked_zh = _asked(keyword, error.kind.as_dict())
    shown = _shown(error.instance)
    quality = Quality.RANGE if keyword in _RANGES else Quality.MODEL
    return Violation(path, en.format(shown, asked_en), zh.format(shown, asked_zh), quality)


def missing(path: str, name: str, model: Model) -> Violation:
    """A required member that is not there."""
    attribute = None if path else model.attribute(name)
    en = f"{name} ({attribute.label.en})" if attribute else name
    zh = f"{name}（{attribute.label.zh}）" if attribute else name
    return Violation(f"{path}.{name}" if path else name, f"{en} is missing", f"缺少 {zh}")


def wrong_kind(attribute: AttributeModel, found: Kind) -> Violation:
    """An attribute of another kind than the model's."""
    return Violation(
        attribute.name,
        f"is a {KINDS_EN[found]}; the model has a {KINDS_EN[attribute.kind]}",
        f"为{KINDS_ZH[found]}，而模型规定为{KINDS_ZH[attribute.kind]}",
    )


def wrong_unit(attribute: AttributeModel, found: str) -> Violation:
    """A value in a unit that does not convert to the model's."""
    return Violation(
        attribute.name,
        f"unit {found} cannot be converted to the model's {attribute.unit}",
        f"单位 {found} 不能换算为模型的 {attribute.unit}",
    )


def _asked(keyword: str, facts: dict[str, Any]) -> tuple[str, str]:
    """What the schema asks for, from the facts of the error."""
    if keyword == "type":
        types = facts["types"]
        return " or ".join(types), "或".join(_TYPES_ZH.get(name, name) for name in types)
    if keyword == "format":
        return _FORMATS.get(facts["format"], (f"a valid {facts['format']}", f"有效的 {facts['format']}"))
    if keyword == "enum":
        options = [str(option) for option in facts["options"]]
        return ", ".join(options), "、".join(options)
    asked = str(next(iter(facts.values()), ""))
    return asked, asked


def _shown(value: object) -> str:
    """A value as it is named in a text, cut where it is long."""
    if isinstance(value, float):
        return f"{value:.10g}"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
