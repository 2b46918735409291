"""The New York subway's extension of GTFS Realtime: which train runs a trip, and on which track it stops.

Two trains may run under one trip_id at the same time; only the train id tells them apart. Field numbers as the MTA
publishes them (extension 1001); declared here in code, so that no compiler is needed.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import FieldDescriptor
from google.transit import gtfs_realtime_pb2 as pb

PACKAGE = "zhicheng.nyct"
NUMBER = 1001
_FIELD = descriptor_pb2.FieldDescriptorProto

_MESSAGES: dict[str, dict[str, tuple[int, int]]] = {
    "TripDescriptor": {
        "train_id": (1, _FIELD.TYPE_STRING),
        "is_assigned": (2, _FIELD.TYPE_BOOL),
        "direction": (3, _FIELD.TYPE_ENUM),
    },
    "StopTimeUpdate": {"scheduled_track": (1, _FIELD.TYPE_STRING), "actual_track": (2, _FIELD.TYPE_STRING)},
}
_DIRECTIONS = {"NORTH": 1, "EAST": 2, "SOUTH": 3, "WEST": 4}
_EXTENDED = {
    "TripDescriptor": ".transit_realtime.TripDescriptor",
    "StopTimeUpdate": ".transit_realtime.TripUpdate.StopTimeUpdate",
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="zhicheng/nyct.proto", package=PACKAGE, syntax="proto2")
    file.dependency.append(pb.DESCRIPTOR.name)
    direction = file.enum_type.add(name="Direction")
    for name, number in _DIRECTIONS.items():
        direction.value.add(name=name, number=number)
    for name, columns in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for column, (number, kind) in columns.items():
            added = message.field.add(name=column, number=number, type=kind, label=_FIELD.LABEL_OPTIONAL)
            if kind == _FIELD.TYPE_ENUM:
                added.type_name = f".{PACKAGE}.Direction"
        file.extension.add(
            name="nyct_" + name.lower(),
            number=NUMBER,
            type=_FIELD.TYPE_MESSAGE,
            label=_FIELD.LABEL_OPTIONAL,
            type_name=f".{PACKAGE}.{name}",
            extendee=_EXTENDED[name],
        )
    return file


def _extensions() -> dict[str, FieldDescriptor]:
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(_file().SerializeToString())
    return {
        extended.removeprefix("."): pool.FindExtensionByName(f"{PACKAGE}.nyct_{name.lower()}")
        for name, extended in _EXTENDED.items()
    }


EXTENSIONS = _extensions()
"""The extension of each extended message, by that message's full name."""
