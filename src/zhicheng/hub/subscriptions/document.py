"""Subscriptions as documents (GS CIM 009 clause 5.2.12): read, checked, kept with names as IRIs, and written again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import cast

from zhicheng.hub.subscriptions.model import TRIGGERS
from zhicheng.kernel import instants, urn
from zhicheng.kernel.errors import Invalid, NotSupported
from zhicheng.standards.filter import q as q_language
from zhicheng.standards.filter import types as type_language
from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.model import Json
from zhicheng.standards.ngsild.names import NULL

Document = dict[str, Json]
TYPE = "Subscription"
MEMBERS = (
    "id", "type", "subscriptionName", "description", "entities", "notificationTrigger", "watchedAttributes",
    "timeInterval", "q", "expandValues", "geoQ", "scopeQ", "lang", "datasetId", "isActive", "notification",
    "expiresAt", "throttling", "jsonldContext",
)  # fmt: skip
_READ_ONLY = frozenset(("status", "createdAt", "modifiedAt", "lag", "queueLength", "deadLetters"))
_NOT_HERE = {
    "csf": "There are no context sources here, so csf selects nothing; leave it out",
    "temporalQ": "temporalQ is for subscriptions to context sources; leave it out",
    "splitEntities": "splitEntities is for context sources; leave it out",
}
_NOT_HERE_ZH = {
    "csf": "本系统没有上下文源，csf 不起作用；请去掉",
    "temporalQ": "temporalQ 仅用于上下文源订阅；请去掉",
    "splitEntities": "splitEntities 仅用于上下文源；请去掉",
}
_NOTIFICATION = ("attributes", "pick", "omit", "format", "sysAttrs", "showChanges", "endpoint", "join", "joinLevel")
_TOLD = frozenset(
    ("status", "timesSent", "timesFailed", "lastNotification", "lastSuccess", "lastFailure"),
)
_ENDPOINT = ("uri", "accept", "timeout", "cooldown", "receiverInfo", "notifierInfo")
_MEDIA = ("application/json", "application/ld+json", "application/geo+json")
_FORMATS = ("normalized", "concise", "keyValues", "simplified")
_GEO = ("georel", "geometry", "coordinates", "geoproperty")
_LONGEST = 1000
_TYPE_NAME = re.compile(r"[^\s;|,()\"<>]+")
_PROJECTED = re.compile(r"[^,|{}\s]+")
_PLAIN = frozenset(("id", "type", "scope"))
Rename = Callable[[str], str]


def flaw(path: str, en: str, zh: str) -> Invalid:
    """What is wrong at a place of the document."""
    return Invalid(f"/{path}: {en}", f"/{path}：{zh}", path=f"/{path}")


def read(document: Json, context: Context, now: int) -> Document:
    """A subscription's document, checked, with its names as IRIs and without what only answers hold."""
    if not isinstance(document, dict):
        raise Invalid("A subscription is an object", "订阅应为对象")
    found = {name: value for name, value in document.items() if name not in _READ_ONLY and name != "@context"}
    for name in found:
        if name in _NOT_HERE:
            raise NotSupported(_NOT_HERE[name], _NOT_HERE_ZH[name], path=f"/{name}")
    _known(found, MEMBERS, "")
    if found.get("type") != TYPE:
        raise flaw("type", 'must be "Subscription"', '应为 "Subscription"')
    for name, check in _CHECKS.items():
        if name in found:
            check(name, found[name])
    _together(found, now)
    _notification(found["notification"])
    return _names_changed(found, context.expand, expanding=True)


def written(document: Document, context: Context) -> Document:
    """A kept document with the names of a context."""
    return _names_changed(document, context.compact, expanding=False)


def merged(document: Document, patch: Json) -> Document:
    """A kept document with a fragment put in: members replaced, null takes away, notification and endpoint merged."""
    if not isinstance(patch, dict):
        raise Invalid("A fragment of a subscription is an object", "订阅片段应为对象")
    for name in ("id", "type"):
        if name in patch and patch[name] != document[name]:
            raise flaw(name, "cannot be changed", "不能更改")
    return _merged(document, patch, ("notification", "endpoint"))


def _merged(before: Mapping[str, Json], patch: Mapping[str, Json], inner: Iterable[str]) -> Document:
    made = dict(before)
    for name, value in patch.items():
        if value is None or value == NULL:
            made.pop(name, None)
        elif name in inner and isinstance(value, dict) and isinstance(made.get(name), dict):
            made[name] = _merged(cast("Document", made[name]), value, inner)
        else:
            made[name] = value
    return made


# checks -----------------------------------------------------------------------------------------------------


def _known(found: Mapping[str, object], known: Iterable[str], path: str) -> None:
    names = list(known)
    for name in found:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = (f"; did you mean {near[0]!r}?", f"；是否应为 {near[0]!r}？") if near else ("", "")
            raise flaw(path + name[:60], "there is no such member" + hint[0], "没有这个成员" + hint[1])


def _text(path: str, value: Json) -> str:
    if not isinstance(value, str) or not value:
        raise flaw(path, "must be text", "应为文本")
    return value


def _truth(path: str, value: Json) -> None:
    if not isinstance(value, bool):
        raise flaw(path, "must be true or false", "应为 true 或 false")


def _positive(path: str, value: Json) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise flaw(path, "must be a number above 0", "应为大于 0 的数")


def texts(path: str, value: Json) -> list[str]:
    """A list of texts that has some."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not items or len(items) > _LONGEST:
        raise flaw(path, f"must be a list of 1 to {_LONGEST} texts", f"应为 1 到 {_LONGEST} 个文本的列表")
    return [_text(f"{path}/{number}", item) for number, item in enumerate(items)]


def _some_texts(path: str, value: Json) -> None:
    texts(path, value)


def _triggers(path: str, value: Json) -> None:
    for word in texts(path, value):
        if word not in TRIGGERS:
            raise flaw(
                path,
                f"{word[:40]!r} is none of {', '.join(TRIGGERS)}",
                f"{word[:40]!r} 不在 {'、'.join(TRIGGERS)} 之中",
            )


def _instant(path: str, value: Json) -> None:
    try:
        instants.parse(_text(path, value))
    except Invalid as error:
        raise flaw(path, error.en, error.zh) from None


def _selectors(path: str, value: Json) -> None:
    if not isinstance(value, list) or not value or len(value) > _LONGEST:
        raise flaw(path, "must be a list of selectors", "应为选择器列表")
    for number, item in enumerate(value):
        at = f"{path}/{number}"
        if not isinstance(item, dict):
            raise flaw(at, "a selector is an object", "选择器应为对象")
        _known(item, ("id", "idPattern", "type"), at + "/")
        _text(f"{at}/type", item.get("type"))
        if "id" in item:
            for one in texts(f"{at}/id", item["id"]):
                urn.check(one)
        if "idPattern" in item:
            _text(f"{at}/idPattern", item["idPattern"])


def _geo(path: str, value: Json) -> None:
    if not isinstance(value, dict):
        raise flaw(
            path, "must be an object of georel, geometry and coordinates", "应为含 georel、geometry、coordinates 的对象"
        )
    _known(value, _GEO, path + "/")
    for name in _GEO[:3]:
        if name not in value:
            raise flaw(f"{path}/{name}", "is missing", "缺少")
    for name in ("georel", "geometry", "geoproperty"):
        if name in value:
            _text(f"{path}/{name}", value[name])


def _anything(path: str, value: Json) -> None:
    if not isinstance(value, dict):
        raise flaw(path, "must be an object", "应为对象")


_CHECKS: dict[str, Callable[[str, Json], object]] = {
    "id": lambda _, value: urn.check(str(value)),
    "subscriptionName": _text,
    "description": _text,
    "entities": _selectors,
    "notificationTrigger": _triggers,
    "watchedAttributes": _some_texts,
    "timeInterval": _positive,
    "q": _text,
    "expandValues": _some_texts,
    "geoQ": _geo,
    "scopeQ": _text,
    "lang": _text,
    "datasetId": _some_texts,
    "isActive": _truth,
    "notification": _anything,
    "expiresAt": _instant,
    "throttling": _positive,
    "jsonldContext": _text,
}


def _together(found: Document, now: int) -> None:
    """What members say together."""
    if "notification" not in found:
        raise flaw("notification", "is missing: say where to notify", "缺少：请说明通知到何处")
    if "entities" not in found and "watchedAttributes" not in found:
        raise flaw("entities", "give entities, watchedAttributes or both", "请给出 entities、watchedAttributes 或两者")
    if "timeInterval" in found:
        for name in ("watchedAttributes", "throttling", "notificationTrigger"):
            if name in found:
                raise flaw(name, "does not go together with timeInterval", "不能与 timeInterval 同时使用")
    if "expiresAt" in found and instants.parse(str(found["expiresAt"])) <= now:
        raise flaw("expiresAt", "lies in the past", "已是过去的时间")


def _notification(value: Json) -> None:
    found = {name: inner for name, inner in cast("Document", value).items() if name not in _TOLD}
    _known(found, _NOTIFICATION, "notification/")
    if found.get("join", "@none") != "@none" or "joinLevel" in found:
        raise NotSupported(
            "Notifications do not follow relationships: leave out join", "通知不展开关联实体：请去掉 join"
        )
    for name in ("attributes", "pick", "omit"):
        if name in found:
            texts(f"notification/{name}", found[name])
    for name in ("sysAttrs", "showChanges"):
        if name in found:
            _truth(f"notification/{name}", found[name])
    form = found.get("format", "normalized")
    if form not in _FORMATS:
        raise flaw("notification/format", f"is one of {', '.join(_FORMATS)}", f"应为 {'、'.join(_FORMATS)} 之一")
    if found.get("showChanges") and form in ("keyValues", "simplified"):
        raise flaw(
            "notification/showChanges", "goes with normalized and concise only", "只能与 normalized 或 concise 一起使用"
        )
    _endpoint(found.get("endpoint"))


def _endpoint(value: Json) -> None:
    at = "notification/endpoint"
    if not isinstance(value, dict):
        raise flaw(at, "must be an object with uri", "应为含 uri 的对象")
    _known({name: inner for name, inner in value.items() if name not in _TOLD}, _ENDPOINT, at + "/")
    scheme = _text(f"{at}/uri", value.get("uri")).partition(":")[0].lower()
    if scheme in ("mqtt", "mqtts"):
        raise NotSupported("Notifications go over http and https, not MQTT", "通知仅支持 http 和 https，不支持 MQTT")
    if value.get("accept", _MEDIA[0]) not in _MEDIA:
        raise flaw(f"{at}/accept", f"is one of {', '.join(_MEDIA)}", f"应为 {'、'.join(_MEDIA)} 之一")
    for name in ("timeout", "cooldown"):
        if name in value:
            _positive(f"{at}/{name}", value[name])
    for name in ("receiverInfo", "notifierInfo"):
        for number, pair in enumerate(_pairs(f"{at}/{name}", value.get(name, []))):
            _known(pair, ("key", "value"), f"{at}/{name}/{number}/")
            _text(f"{at}/{name}/{number}/key", pair.get("key"))
            if not isinstance(pair.get("value"), str):
                raise flaw(f"{at}/{name}/{number}/value", "must be text", "应为文本")


def _pairs(path: str, value: Json) -> list[Document]:
    if not isinstance(value, list) or len(value) > 50 or not all(isinstance(one, dict) for one in value):
        raise flaw(
            path, "must be a list of at most 50 objects of key and value", "应为至多 50 个含 key、value 的对象的列表"
        )
    return cast("list[Document]", value)


# names ------------------------------------------------------------------------------------------------------


def _names_changed(document: Document, rename: Rename, *, expanding: bool) -> Document:
    """The document with every name in it renamed, whatever language the name stands in."""
    made = dict(document)
    if "entities" in made:
        selectors = cast("list[Document]", made["entities"])
        made["entities"] = [{**one, "type": _type(str(one["type"]), rename, expanding)} for one in selectors]
    if "watchedAttributes" in made:
        made["watchedAttributes"] = [rename(name) for name in texts("watchedAttributes", made["watchedAttributes"])]
    if "q" in made:
        values = texts("expandValues", made.pop("expandValues")) if "expandValues" in made else ()
        tree = q_language.parse(str(made["q"]), rename if expanding else str, values)
        made["q"] = q_language.write(tree, str if expanding else rename)
    if isinstance(made.get("geoQ"), dict) and "geoproperty" in cast("Document", made["geoQ"]):
        around = cast("Document", made["geoQ"])
        made["geoQ"] = {**around, "geoproperty": rename(str(around["geoproperty"]))}
    told = {name: value for name, value in cast("Document", made["notification"]).items() if name not in _TOLD}
    for name in ("attributes", "pick", "omit"):
        if name in told:
            told[name] = [_projected(one, rename) for one in texts(name, told[name])]
    made["notification"] = told
    return made


def _type(text: str, rename: Rename, expanding: bool) -> str:
    if expanding:
        type_language.parse(text, rename)
    return _TYPE_NAME.sub(lambda found: found[0] if found[0] == "*" else rename(found[0]), text)


def _projected(text: str, rename: Rename) -> str:
    return _PROJECTED.sub(lambda found: found[0] if found[0] in _PLAIN else rename(found[0]), text)
