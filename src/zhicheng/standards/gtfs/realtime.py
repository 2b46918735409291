"""GTFS Realtime: a feed's bytes (protobuf, or its JSON form) to frozen structs and back.

A feed that cannot be one is refused as a whole, saying what came instead; an entity with a time or place that cannot
be is left out and named in `Feed.refused`, so that one broken clock does not blind the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2 as pb

from zhicheng.kernel.errors import Invalid, TooLarge
from zhicheng.standards.gtfs.messages import (
    READ,
    Alert,
    Feed,
    FeedEntity,
    FeedHeader,
    Refused,
    TripUpdate,
    VehiclePosition,
)
from zhicheng.standards.gtfs.nyct import EXTENSIONS, NUMBER

LIMIT = 64 << 20
"""Bytes of a feed that are read unless told otherwise."""

MOST = 100_000
"""Entities of a feed: ten times those of a whole country's; each costs far more memory read than as bytes."""

EARLIEST, LATEST = 946_684_800, 4_102_444_800
"""Seconds of 2000-01-01 and 2100-01-01: a time outside is no time (often milliseconds, or a clock never set)."""

_Plan = dict[int, tuple[str, Callable[[Any], object] | None]]
_OTHER = ("shape", "stop", "trip_modifications")


def decode(body: bytes, limit: int = LIMIT) -> Feed:
    """A feed from its bytes. Raises Invalid (not a feed, no or an absurd timestamp) and TooLarge."""
    message = parse(body, limit)
    if len(message.entity) > MOST:
        raise TooLarge(
            f"The feed has {len(message.entity):,} entities; at most {MOST:,} are read",
            f"数据源包含 {len(message.entity):,} 个实体；最多读取 {MOST:,} 个",
        )
    header = _one(message.header, FeedHeader)
    _check_header(header)
    kept: list[FeedEntity] = []
    refused: list[Refused] = []
    for raw in message.entity:
        entity = _entity(raw)
        why = _fault(entity)
        if why is None:
            kept.append(entity)
        else:
            refused.append(Refused(id=entity.id, en=why.en, zh=why.zh))
    if refused and not kept:
        raise Invalid(
            f"None of the feed's {len(refused)} entities can be used; the first: {refused[0].en}",
            f"数据源的 {len(refused)} 个实体均不可用，第一个：{refused[0].zh}",
        )
    return Feed(header=header, entity=tuple(kept), refused=tuple(refused))


def encode(feed: Feed) -> bytes:
    """The protobuf of a feed; entities that were refused are not in it."""
    message = pb.FeedMessage()
    _fill(message.header, feed.header)
    for entity in feed.entity:
        raw = message.entity.add()
        if entity.other:
            raw.ParseFromString(entity.other)
        else:
            _fill(raw, entity)
    return message.SerializeToString(deterministic=True)


def encode_json(feed: Feed) -> bytes:
    """The JSON form of a feed, as `decode` reads it: names as in the standard, times as numbers.

    >>> encode_json(Feed(header=FeedHeader(gtfs_realtime_version="2.0", timestamp=1)))
    b'{"header":{"gtfs_realtime_version":"2.0","timestamp":1},"entity":[]}'
    """
    whole = msgspec.to_builtins(feed)
    entities = [_present(one) for one in whole["entity"]]
    return msgspec.json.encode({"header": _present(whole["header"]), "entity": entities})


def _present(value: Any) -> Any:
    """What was set of a message, and of the messages in it."""
    if isinstance(value, dict):
        return {key: _present(one) for key, one in value.items() if one is not None and one != [] and one != ""}
    return [_present(one) for one in value] if isinstance(value, list | tuple) else value


def parse(body: bytes, limit: int = LIMIT) -> pb.FeedMessage:
    """The protobuf message itself, complete, or Invalid with what was received."""
    if len(body) > limit:
        raise TooLarge(
            f"The feed has {len(body)} bytes; the limit is {limit}", f"数据源内容有 {len(body)} 字节，上限为 {limit}"
        )
    message = pb.FeedMessage()
    try:
        if body.lstrip()[:1] == b"{":
            json_format.Parse(body, message, ignore_unknown_fields=True)
        else:
            message.ParseFromString(body)
    except (DecodeError, json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise _not_a_feed(body, str(error)) from None
    if not body or not message.IsInitialized():
        raise _not_a_feed(body, "required fields are missing")
    return message


def received(body: bytes) -> tuple[str, str]:
    """What a body looks like, in English and Chinese, for error texts.

    >>> received(b"<!DOCTYPE html><html>")[0]
    'a web page (HTML)'
    """
    start = body[:512].lstrip().removeprefix(b"\xef\xbb\xbf").lower()
    looks = {
        b"<!doctype html": ("a web page (HTML)", "网页（HTML）"),
        b"<html": ("a web page (HTML)", "网页（HTML）"),
        b"<": ("XML", "XML"),
        b"{": ("JSON", "JSON"),
        b"[": ("JSON", "JSON"),
        b"\x1f\x8b": ("gzip data", "gzip 压缩数据"),
        b"pk\x03\x04": ("a zip archive (a static GTFS?)", "zip 压缩包（静态 GTFS？）"),
    }
    if not start:
        return "an empty body", "空内容"
    for mark, text in looks.items():
        if start.startswith(mark):
            return text
    return f"{len(body)} bytes that begin with {body[:16]!r}", f"{len(body)} 字节，开头为 {body[:16]!r}"


def _not_a_feed(body: bytes, why: str) -> Invalid:
    en, zh = received(body)
    return Invalid(
        f"Expected a GTFS Realtime feed, received {en} ({why})",
        f"应收到 GTFS Realtime 数据，实际收到{zh}（{why}）",
        received=en,
    )


def _check_header(header: FeedHeader) -> None:
    if not header.timestamp:
        raise Invalid(
            "The feed's header has no timestamp, so its age cannot be known",
            "数据源的头部没有时间戳，无法判断其新旧",
        )
    if (fault := _time_fault("header.timestamp", header.timestamp)) is not None:
        raise fault


def _time_fault(name: str, seconds: int | None) -> Invalid | None:
    if not seconds or EARLIEST <= seconds < LATEST:
        return None
    hint = "; are these milliseconds?" if EARLIEST <= seconds // 1000 < LATEST else ""
    return Invalid(
        f"{name} {seconds} is not a time in seconds between 2000 and 2100{hint}",
        f"{name} {seconds} 不是 2000 至 2100 年间以秒计的时间" + ("，是否为毫秒？" if hint else ""),
        field=name,
        received=seconds,
    )


def _fault(entity: FeedEntity) -> Invalid | None:
    """Why an entity cannot be used, if so."""
    if not entity.id:
        return Invalid("An entity has no id", "有实体缺少 id")
    if entity.trip_update is not None:
        return _trip_fault(entity.trip_update)
    if entity.vehicle is not None:
        return _vehicle_fault(entity.vehicle)
    return None if entity.alert is None else _alert_fault(entity.alert)


def _trip_fault(update: TripUpdate) -> Invalid | None:
    times: list[int | None] = [update.timestamp]
    for stop in update.stop_time_update:
        if stop.arrival is not None:
            times.append(stop.arrival.time)
        if stop.departure is not None:
            times.append(stop.departure.time)
    return _first_fault("trip_update time", times)


def _vehicle_fault(vehicle: VehiclePosition) -> Invalid | None:
    place = vehicle.position
    if place is not None and not (abs(place.latitude) <= 90 and abs(place.longitude) <= 180):
        return Invalid(
            f"Position ({place.longitude}, {place.latitude}) is not a longitude and latitude",
            f"位置（{place.longitude}, {place.latitude}）不是有效的经纬度",
        )
    return _time_fault("vehicle.timestamp", vehicle.timestamp)


def _alert_fault(alert: Alert) -> Invalid | None:
    # open ends are often written as 0 or as the largest number; only a start that is no time is a fault
    return _first_fault("alert.active_period.start", (period.start for period in alert.active_period))


def _first_fault(name: str, times: Iterable[int | None]) -> Invalid | None:
    for seconds in times:
        if seconds and not EARLIEST <= seconds < LATEST:
            return _time_fault(name, seconds)
    return None


def _entity(raw: Any) -> FeedEntity:
    if any(raw.HasField(kind) for kind in _OTHER):
        return FeedEntity(id=raw.id, is_deleted=raw.is_deleted or None, other=raw.SerializeToString())
    entity: FeedEntity = _one(raw, FeedEntity)
    return entity


def _one(message: Any, struct: Callable[..., Any]) -> Any:
    """A struct of the fields that were sent."""
    plan = _PLANS[message.DESCRIPTOR.full_name]
    values = {}
    for column, value in message.ListFields():
        step = plan.get(column.number)
        if step is not None:
            values[step[0]] = value if step[1] is None else step[1](value)
    return struct(**values)


def _plan(message: Descriptor) -> _Plan:
    struct = READ[message.full_name]
    plan: _Plan = {
        column.number: (column.name, _converter(column))
        for column in message.fields
        if column.name in struct.__struct_fields__
    }
    if message.full_name in EXTENSIONS:
        plan[NUMBER] = ("nyct", _converter(EXTENSIONS[message.full_name]))
    return plan


def _converter(column: FieldDescriptor) -> Callable[[Any], object] | None:
    if column.enum_type is not None:
        return {value.number: value.name for value in column.enum_type.values}.get
    if column.message_type is None:
        return None
    struct = READ[column.message_type.full_name]
    if column.is_repeated:
        return lambda items: tuple([_one(item, struct) for item in items])
    return lambda item: _one(item, struct)


def _descriptors(message: Descriptor) -> Iterable[Descriptor]:
    yield message
    for inner in message.nested_types:
        yield from _descriptors(inner)


def _all() -> Iterable[Descriptor]:
    for top in pb.DESCRIPTOR.message_types_by_name.values():
        yield from _descriptors(top)
    for extension in EXTENSIONS.values():
        if extension.message_type is not None:
            yield extension.message_type


_PLANS: dict[str, _Plan] = {message.full_name: _plan(message) for message in _all() if message.full_name in READ}


def _fill(message: Any, struct: msgspec.Struct) -> None:
    """Set in a message what a struct holds."""
    numbers = message.DESCRIPTOR.fields_by_name
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if value is None or value == () or name == "other":
            continue
        if isinstance(value, tuple):
            for item in value:
                _fill(getattr(message, name).add(), item)
        elif isinstance(value, msgspec.Struct):
            inner = (
                message.Extensions[EXTENSIONS[message.DESCRIPTOR.full_name]]
                if name == "nyct"
                else getattr(message, name)
            )
            inner.SetInParent()
            _fill(inner, value)
        elif numbers[name].enum_type is not None:
            setattr(message, name, numbers[name].enum_type.values_by_name[value].number)
        else:
            setattr(message, name, value)


def finite(number: float | None) -> float | None:
    """The number, or None where it is not one.

    >>> finite(math.nan) is None
    True
    """
    return number if number is not None and math.isfinite(number) else None
