"""An independent reader of vector tiles for tests: protobuf's own parser over the standard's message definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.unknown_fields import UnknownFieldSet

_FIELD = descriptor_pb2.FieldDescriptorProto
_MESSAGES: dict[str, tuple[tuple[str, int, str, str], ...]] = {
    "Value": (
        ("string_value", 1, "string", ""),
        ("float_value", 2, "float", ""),
        ("double_value", 3, "double", ""),
        ("int_value", 4, "int64", ""),
        ("uint_value", 5, "uint64", ""),
        ("sint_value", 6, "sint64", ""),
        ("bool_value", 7, "bool", ""),
    ),
    "Feature": (
        ("id", 1, "uint64", ""),
        ("tags", 2, "uint32", "packed"),
        ("type", 3, "uint32", ""),
        ("geometry", 4, "uint32", "packed"),
    ),
    "Layer": (
        ("version", 15, "uint32", ""),
        ("name", 1, "string", ""),
        ("features", 2, "Feature", "many"),
        ("keys", 3, "string", "many"),
        ("values", 4, "Value", "many"),
        ("extent", 5, "uint32", ""),
    ),
    "Tile": (("layers", 3, "Layer", "many"),),
}


def _tile_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="vector_tile_test.proto", package="vt", syntax="proto2")
    for message, members in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, type_name, how in members:
            member = described.field.add(name=name, number=number)
            member.label = _FIELD.LABEL_REPEATED if how else _FIELD.LABEL_OPTIONAL
            if type_name in _MESSAGES:
                member.type, member.type_name = _FIELD.TYPE_MESSAGE, f".vt.{type_name}"
            else:
                member.type = _FIELD.Type.Value(f"TYPE_{type_name.upper()}")
            if how == "packed":
                member.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("vt.Tile"))


_TILE = _tile_class()


@dataclass
class Feature:
    """A feature as a reader sees it; `parts` are its points, lines or open rings."""

    id: int | None
    kind: int
    parts: list[list[tuple[int, int]]]
    properties: dict[str, object]


def read(tile: bytes) -> dict[str, list[Feature]]:
    """The features of each layer; raises when the bytes are not what the standard says."""
    message = _TILE()
    message.ParseFromString(tile)
    return {layer.name: [_feature(layer, feature) for feature in layer.features] for layer in message.layers}


def _feature(layer: Any, feature: Any) -> Feature:
    assert layer.version == 2
    assert not len(UnknownFieldSet(feature)) and not len(UnknownFieldSet(layer))
    assert len(feature.tags) % 2 == 0
    pairs = zip(feature.tags[::2], feature.tags[1::2], strict=True)
    properties = {layer.keys[key]: _value(layer.values[value]) for key, value in pairs}
    return Feature(feature.id if feature.HasField("id") else None, feature.type, _parts(feature), properties)


def _value(value: Any) -> object:
    ((_, content),) = value.ListFields()
    return content


def _parts(feature: Any) -> list[list[tuple[int, int]]]:
    parts: list[list[tuple[int, int]]] = []
    x = y = place = 0
    integers = list(feature.geometry)
    while place < len(integers):
        command, count = integers[place] & 7, integers[place] >> 3
        place += 1
        if command == 7:
            assert feature.type == 3
            assert count == 1
            continue
        assert command in (1, 2) and count > 0
        for _ in range(count):
            x += _unzigzag(integers[place])
            y += _unzigzag(integers[place + 1])
            place += 2
            if command == 1:
                parts.append([])
            parts[-1].append((x, y))
    return parts


def _unzigzag(number: int) -> int:
    return (number >> 1) ^ -(number & 1)
