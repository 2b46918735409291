"""The bodies and answers of NGSI-LD as the description of the interface shows them."""

from __future__ import annotations

from zhicheng.server.http import GEO_JSON, JSON, JSON_LD, MERGE_PATCH
from zhicheng.server.routes import Body, Response

_URI = {"type": "string", "format": "uri", "minLength": 3}
_TEXT = {"type": "string"}
_NAMES = {"oneOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}

SCHEMAS: dict[str, dict[str, object]] = {
    "Attribute": {
        "description": "An attribute: normalized, concise, or a bare value; or a list of instances by datasetId.",
    },
    "Entity": {
        "type": "object",
        "required": ["id", "type"],
        "properties": {
            "id": _URI,
            "type": _NAMES,
            "scope": _NAMES,
            "@context": {},
        },
        "additionalProperties": {"$ref": "#/components/schemas/Attribute"},
    },
    "Fragment": {
        "type": "object",
        "description": "Attributes of an entity; id and type may be left out.",
        "additionalProperties": {"$ref": "#/components/schemas/Attribute"},
    },
    "Entities": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Entity"}},
    "EntityList": {"type": "array", "items": {"type": "object"}},
    "Ids": {"type": "array", "items": _URI},
    "BatchResult": {
        "type": "object",
        "properties": {
            "success": {"$ref": "#/components/schemas/Ids"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"entityId": _TEXT, "error": {"$ref": "#/components/schemas/Problem"}},
                },
            },
        },
    },
    "UpdateResult": {
        "type": "object",
        "properties": {
            "updated": {"type": "array", "items": _TEXT},
            "notUpdated": {
                "type": "array",
                "items": {"type": "object", "properties": {"attributeName": _TEXT, "reason": _TEXT}},
            },
        },
    },
    "Query": {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"const": "Query"},
            "entities": {"type": "array", "items": {"type": "object"}},
            "attrs": {"type": "array", "items": _TEXT},
            "q": _TEXT,
            "geoQ": {"type": "object"},
            "scopeQ": _TEXT,
            "temporalQ": {"type": "object"},
        },
    },
    "Subscription": {
        "type": "object",
        "required": ["type", "notification"],
        "properties": {
            "id": _URI,
            "type": {"const": "Subscription"},
            "subscriptionName": _TEXT,
            "description": _TEXT,
            "entities": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["type"],
                    "properties": {"id": _NAMES, "idPattern": _TEXT, "type": _TEXT},
                },
            },
            "watchedAttributes": {"type": "array", "minItems": 1, "items": _TEXT},
            "notificationTrigger": {"type": "array", "minItems": 1, "items": _TEXT},
            "q": _TEXT,
            "geoQ": {"type": "object"},
            "scopeQ": _TEXT,
            "isActive": {"type": "boolean"},
            "throttling": {"type": "number", "exclusiveMinimum": 0},
            "timeInterval": {"type": "number", "exclusiveMinimum": 0},
            "expiresAt": {"type": "string", "format": "date-time"},
            "jsonldContext": _URI,
            "notification": {
                "type": "object",
                "required": ["endpoint"],
                "properties": {
                    "attributes": {"type": "array", "minItems": 1, "items": _TEXT},
                    "format": {"enum": ["normalized", "concise", "keyValues", "simplified"]},
                    "sysAttrs": {"type": "boolean"},
                    "showChanges": {"type": "boolean"},
                    "endpoint": {
                        "type": "object",
                        "required": ["uri"],
                        "properties": {
                            "uri": _URI,
                            "accept": {"enum": [JSON, JSON_LD, GEO_JSON]},
                            "timeout": {"type": "number", "exclusiveMinimum": 0},
                            "cooldown": {"type": "number", "exclusiveMinimum": 0},
                            "receiverInfo": {"type": "array", "items": {"type": "object"}},
                        },
                    },
                },
            },
        },
    },
    "SubscriptionPatch": {"type": "object", "description": "Members to replace; null takes one away."},
    "ContextDocument": {"type": "object", "required": ["@context"], "properties": {"@context": {}}},
    "Document": {"type": "object"},
}


def _ref(name: str) -> dict[str, object]:
    return {"$ref": f"#/components/schemas/{name}"}


ENTITY = Body(_ref("Entity"), (JSON, JSON_LD, GEO_JSON))
TEMPORAL_ENTITY = Body(_ref("Entity"))
FRAGMENT = Body(_ref("Fragment"))
PATCH = Body(_ref("Fragment"), (JSON, JSON_LD, MERGE_PATCH))
ATTRIBUTE = Body(_ref("Attribute"))
ATTRIBUTE_PATCH = Body(_ref("Attribute"), (JSON, JSON_LD, MERGE_PATCH))
VALUE = Body({}, (JSON, JSON_LD, "text/plain"))
ENTITIES = Body(_ref("Entities"))
IDS = Body(_ref("Ids"))
QUERY = Body(_ref("Query"))
SUBSCRIPTION = Body(_ref("Subscription"))
SUBSCRIPTION_PATCH = Body(_ref("SubscriptionPatch"), (JSON, JSON_LD, MERGE_PATCH))
CONTEXT = Body(_ref("ContextDocument"))

CREATED = Response(201, "Created; Location says where", "已创建；位置见 Location 头")
DONE = Response(204, "Done", "已完成")
PARTLY = Response(207, "Done in part", "部分完成", _ref("UpdateResult"))
IN_PART = Response(207, "Some were refused", "部分被拒收", _ref("BatchResult"))
CREATED_IDS = Response(201, "All taken; the ids of those created", "全部接收；返回新建的 id", _ref("Ids"))
ONE = Response(200, "The entity", "实体", _ref("Document"), (JSON, JSON_LD, GEO_JSON))
MANY = Response(200, "A page of entities", "一页实体", {}, (JSON, JSON_LD, GEO_JSON))
DOCUMENT = Response(200, "The document", "文档", {}, (JSON, JSON_LD))
BARE = Response(200, "The value", "值", {}, (JSON, JSON_LD, "text/plain"))
