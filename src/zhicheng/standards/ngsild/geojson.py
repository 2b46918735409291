"""Entities as GeoJSON features and collections, both ways (clauses 4.5.16 and 4.5.17)."""

from __future__ import annotations

from collections.abc import Sequence

from zhicheng.standards.ngsild.context import Context
from zhicheng.standards.ngsild.decode import decode_entity
from zhicheng.standards.ngsild.encode import NORMALIZED, Encoder, Linked
from zhicheng.standards.ngsild.model import Entity, Json, Kind
from zhicheng.standards.ngsild.names import LOCATION
from zhicheng.standards.ngsild.representation import Representation
from zhicheng.standards.ngsild.values import Flaw, is_geometry

_HEAD = frozenset(("type", "@type", "scope", "@context"))


def geometry_of(entity: Entity, options: Representation = NORMALIZED) -> Json:
    """The geometry of an entity's feature: of the chosen GeoProperty and dataset; None where there is none."""
    for instance in entity.attributes.get(options.geometry, ()):
        if instance.dataset == options.geometry_dataset:
            return instance.value if instance.kind is Kind.GEO and is_geometry(instance.value) else None
    return None


def encode_feature(
    entity: Entity, context: Context, options: Representation = NORMALIZED, linked: Linked | None = None
) -> dict[str, Json]:
    """An entity as a feature; its geometry is there even where the projection leaves the attribute out.

    >>> from zhicheng.standards.ngsild.context import Contexts
    >>> core = Contexts().default
    >>> point = {"type": "Point", "coordinates": [1, 2]}
    >>> tree = decode_entity({"id": "urn:t:1", "type": "Tree", "location": point}, core)
    >>> encode_feature(tree, core)["geometry"]
    {'type': 'Point', 'coordinates': [1, 2]}
    """
    properties = Encoder(context, options, linked or {}, (entity.id,)).entity(entity)
    properties.pop("id", None)
    feature: dict[str, Json] = {
        "id": entity.id,
        "type": "Feature",
        "geometry": geometry_of(entity, options),
        "properties": properties,
    }
    if not options.shows("id"):
        del feature["id"]
    return feature


def encode_collection_geojson(
    entities: Sequence[Entity], context: Context, options: Representation = NORMALIZED, linked: Linked | None = None
) -> dict[str, Json]:
    """Entities as one FeatureCollection, empty where there are none."""
    features: list[Json] = [encode_feature(entity, context, options, linked) for entity in entities]
    return {"type": "FeatureCollection", "features": features}


def decode_feature(document: object, context: Context, geometry: str = LOCATION) -> Entity:
    """An entity from a feature: its properties are the attributes, its geometry the GeoProperty of the name given.

    >>> from zhicheng.standards.ngsild.context import Contexts
    >>> feature = {"type": "Feature", "id": "urn:t:1", "properties": {"type": "Tree"},
    ...            "geometry": {"type": "Point", "coordinates": [1, 2]}}
    >>> decode_feature(feature, Contexts().default).attributes[LOCATION][0].value["coordinates"]
    [1, 2]
    """
    if not isinstance(document, dict) or document.get("type") != "Feature":
        raise Flaw('must be a GeoJSON object of type "Feature"', '必须是类型为 "Feature" 的 GeoJSON 对象').invalid()
    properties = document.get("properties")
    if not isinstance(properties, dict):
        raise Flaw("must be an object", "必须是对象").at("properties").invalid()
    inner = {key: value for key, value in properties.items() if key not in ("id", "@id")}
    shape = document.get("geometry")
    if shape is not None and geometry not in {context.names[key] for key in inner if key not in _HEAD}:
        inner[context.compact(geometry)] = {"type": "GeoProperty", "value": shape}
    return decode_entity({"id": document.get("id"), **inner}, context)


def decode_collection_geojson(document: object, context: Context, geometry: str = LOCATION) -> list[Entity]:
    """The entities of a FeatureCollection, in order."""
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise Flaw("must be a list of features", "必须是 Feature 列表").at("features").invalid()
    return [decode_feature(feature, context, geometry) for feature in features]
