"""The routes of NGSI-LD."""

from __future__ import annotations

from zhicheng.security.actions import PUBLIC, Named
from zhicheng.server.interfaces.ngsild import (
    amendments,
    attributes,
    batches,
    contexts,
    discovery,
    entities,
    evolution,
    queries,
    shapes,
)
from zhicheng.server.interfaces.ngsild import parameters as p
from zhicheng.server.interfaces.ngsild.documents import OWN_CONTEXT, ROOT
from zhicheng.server.interfaces.ngsild.windows import TEMPORAL
from zhicheng.server.routes import Parameter, Route

_E, _ONE = f"{ROOT}/entities", f"{ROOT}/entities/{{id}}"
_ATTRS, _ATTR = f"{_ONE}/attrs", f"{_ONE}/attrs/{{attribute}}"
_OPS = f"{ROOT}/entityOperations"
_T, _T_ONE = f"{ROOT}/temporal/entities", f"{ROOT}/temporal/entities/{{id}}"
_T_ATTR = f"{_T_ONE}/attrs/{{attribute}}"
_READ, _WRITE, _HISTORY = "entities:read", "entities:write", "history:read"
_WRITING = (p.OPTIONS, p.FORMAT, p.OBSERVED_AT, p.LANG, p.LOCAL)
_PLACE = (p.LOCAL, p.TYPE)
_SHOW_ONE = (*p.REPRESENTATION, p.ATTRS, p.TYPE)
_KIND = Parameter("kind", "Hosted, Cached or ImplicitlyCreated", "Hosted、Cached 或 ImplicitlyCreated")
_RELOAD = Parameter("reload", "Load anew; there is nothing to load here", "重新加载；此处无需加载", p.TRUTH)

_ENTITIES = (
    Route("POST", _E, _WRITE, entities.create_entity, Named("创建实体", "Create an entity"), (p.LOCAL,),
          shapes.ENTITY, (shapes.CREATED,)),
    Route("GET", _E, _READ, queries.query_entities, Named("查询实体", "Query entities"),
          (*p.SELECTION, *p.PAGING, *p.REPRESENTATION), None, (shapes.MANY,)),
    Route("DELETE", _E, _WRITE, queries.purge_entities, Named("移除符合条件的实体", "Remove all entities that a query selects"),
          (*p.SELECTION, p.LOCAL), None, (shapes.DONE,)),
    Route("GET", _ONE, _READ, entities.read_entity, Named("读取实体", "Read an entity"), _SHOW_ONE, None, (shapes.ONE,)),
    Route("PUT", _ONE, _WRITE, entities.replace_entity, Named("替换实体", "Replace an entity"), _PLACE,
          shapes.ENTITY, (shapes.DONE,)),
    Route("PATCH", _ONE, _WRITE, entities.merge_entity, Named("合并更新实体", "Merge into an entity"), (*_WRITING, p.TYPE),
          shapes.PATCH, (shapes.DONE,)),
    Route("DELETE", _ONE, _WRITE, entities.remove_entity, Named("移除实体（历史保留）", "Remove an entity; its history stays"),
          _PLACE, None, (shapes.DONE,)),
)  # fmt: skip
_ATTRIBUTES = (
    Route("POST", _ATTRS, _WRITE, attributes.append_attributes, Named("添加属性", "Add attributes"), _WRITING,
          shapes.FRAGMENT, (shapes.DONE, shapes.PARTLY)),
    Route("PATCH", _ATTRS, _WRITE, attributes.update_attributes, Named("更新已有属性", "Update attributes that are there"),
          _WRITING, shapes.PATCH, (shapes.DONE, shapes.PARTLY)),
    Route("GET", _ATTR, _READ, attributes.read_attribute, Named("读取属性", "Read an attribute"), p.REPRESENTATION, None,
          (shapes.DOCUMENT,)),
    Route("PATCH", _ATTR, _WRITE, attributes.update_attribute, Named("部分更新属性", "Update parts of an attribute"),
          (*_WRITING, p.DATASET_ID), shapes.ATTRIBUTE_PATCH, (shapes.DONE,)),
    Route("PUT", _ATTR, _WRITE, attributes.replace_attribute, Named("替换属性", "Replace an attribute"),
          (*_WRITING, p.DATASET_ID), shapes.ATTRIBUTE, (shapes.DONE,)),
    Route("DELETE", _ATTR, _WRITE, attributes.remove_attribute, Named("移除属性", "Remove an attribute"),
          (p.DATASET_ID, p.DELETE_ALL, p.LOCAL, p.TYPE), None, (shapes.DONE,)),
    Route("GET", f"{_ATTR}/value", _READ, attributes.read_value, Named("读取属性的值", "Read an attribute's bare value"),
          (p.DATASET_ID, p.LOCAL), None, (shapes.BARE,)),
    Route("PUT", f"{_ATTR}/value", _WRITE, attributes.replace_value, Named("替换属性的值", "Replace an attribute's bare value"),
          (p.DATASET_ID, p.OBSERVED_AT, p.LOCAL), shapes.VALUE, (shapes.DONE,)),
)  # fmt: skip
_BATCHES = (
    Route("POST", f"{_OPS}/create", _WRITE, batches.create, Named("批量创建", "Create entities"), (p.LOCAL,),
          shapes.ENTITIES, (shapes.CREATED_IDS, shapes.IN_PART)),
    Route("POST", f"{_OPS}/upsert", _WRITE, batches.upsert, Named("批量创建或更新", "Create or update entities"),
          (p.OPTIONS, p.LOCAL), shapes.ENTITIES, (shapes.CREATED_IDS, shapes.DONE, shapes.IN_PART)),
    Route("POST", f"{_OPS}/update", _WRITE, batches.update, Named("批量更新", "Update entities"), (p.OPTIONS, p.LOCAL),
          shapes.ENTITIES, (shapes.DONE, shapes.IN_PART)),
    Route("POST", f"{_OPS}/merge", _WRITE, batches.merge, Named("批量合并", "Merge into entities"), (p.OPTIONS, p.LOCAL),
          shapes.ENTITIES, (shapes.DONE, shapes.IN_PART)),
    Route("POST", f"{_OPS}/delete", _WRITE, batches.delete, Named("批量移除", "Remove entities"), (p.LOCAL,),
          shapes.IDS, (shapes.DONE, shapes.IN_PART)),
    Route("POST", f"{_OPS}/query", _READ, queries.post_query, Named("用正文查询实体", "Query entities with a body"),
          (p.LIMIT, p.OFFSET, p.COUNT, p.OPTIONS, p.FORMAT, p.LOCAL), shapes.QUERY, (shapes.MANY,)),
)  # fmt: skip
_TEMPORAL = (
    Route("POST", _T, "history:write", amendments.add_evolution, Named("写入实体的历史", "Store an entity's evolution"),
          (p.LOCAL,), shapes.TEMPORAL_ENTITY, (shapes.CREATED, shapes.DONE)),
    Route("GET", _T, _HISTORY, evolution.query_evolution, Named("查询实体的历史", "Query evolutions"),
          (*p.SELECTION, *p.PAGING, *p.REPRESENTATION, *TEMPORAL), None, (shapes.DOCUMENT,)),
    Route("GET", _T_ONE, _HISTORY, evolution.read_evolution, Named("读取实体的历史", "Read an entity's evolution"),
          (*_SHOW_ONE, *TEMPORAL), None, (shapes.DOCUMENT,)),
    Route("DELETE", _T_ONE, "history:erase", amendments.erase_entity,
          Named("永久擦除实体及其历史", "Erase an entity and its history for good"), (p.LOCAL,), None, (shapes.DONE,)),
    Route("POST", f"{_T_ONE}/attrs", "history:write", amendments.add_instances, Named("添加历史实例", "Add instances"),
          (p.LOCAL,), shapes.FRAGMENT, (shapes.DONE,)),
    Route("DELETE", _T_ATTR, "history:erase", amendments.erase_attribute,
          Named("永久擦除属性的历史", "Erase an attribute's history for good"), (p.DATASET_ID, p.DELETE_ALL, p.LOCAL), None,
          (shapes.DONE,)),
    Route("PATCH", f"{_T_ATTR}/{{instance}}", "history:write", amendments.correct_instance,
          Named("更正历史实例", "Correct an instance"), (p.LOCAL,), shapes.ATTRIBUTE_PATCH, (shapes.DONE,)),
    Route("DELETE", f"{_T_ATTR}/{{instance}}", "history:write", amendments.retract_instance,
          Named("撤回历史实例", "Retract an instance"), (p.LOCAL,), None, (shapes.DONE,)),
    Route("POST", f"{ROOT}/temporal/entityOperations/query", _HISTORY, evolution.post_evolution_query,
          Named("用正文查询历史", "Query evolutions with a body"),
          (p.LIMIT, p.OFFSET, p.COUNT, p.OPTIONS, p.FORMAT, p.LOCAL), shapes.QUERY, (shapes.DOCUMENT,)),
)  # fmt: skip
_DISCOVERY = (
    Route("GET", f"{ROOT}/types", _READ, discovery.list_types, Named("列出类型", "List types"), (p.DETAILS, p.LOCAL), None,
          (shapes.DOCUMENT,)),
    Route("GET", f"{ROOT}/types/{{type}}", _READ, discovery.read_type, Named("读取类型", "Read a type"), (p.LOCAL,), None,
          (shapes.DOCUMENT,)),
    Route("GET", f"{ROOT}/attributes", _READ, discovery.list_attributes, Named("列出属性", "List attributes"),
          (p.DETAILS, p.LOCAL), None, (shapes.DOCUMENT,)),
    Route("GET", f"{ROOT}/attributes/{{attribute}}", _READ, discovery.read_attribute, Named("读取属性概况", "Read about an attribute"),
          (p.LOCAL,), None, (shapes.DOCUMENT,)),
    Route("GET", f"{ROOT}/info/sourceIdentity", _READ, discovery.source_identity, Named("系统标识", "Who answers here"),
          (), None, (shapes.DOCUMENT,)),
)  # fmt: skip
_CONTEXTS = f"{ROOT}/jsonldContexts"
_KEPT = (
    Route("GET", OWN_CONTEXT, PUBLIC, contexts.city_context, Named("城市默认 @context", "The city's own @context"),
          (), None, (shapes.DOCUMENT,)),
    Route("POST", _CONTEXTS, "contexts:write", contexts.add_context, Named("上传 @context", "Upload an @context"), (),
          shapes.CONTEXT, (shapes.CREATED,)),
    Route("GET", _CONTEXTS, "contexts:read", contexts.list_contexts, Named("列出 @context", "List @contexts"),
          (p.DETAILS, _KIND), None, (shapes.DOCUMENT,)),
    Route("GET", f"{_CONTEXTS}/{{context}}", "contexts:read", contexts.read_context, Named("读取 @context", "Read an @context"),
          (p.DETAILS,), None, (shapes.DOCUMENT,)),
    Route("DELETE", f"{_CONTEXTS}/{{context}}", "contexts:write", contexts.remove_context,
          Named("移除 @context", "Remove an @context"), (_RELOAD,), None, (shapes.DONE,)),
)  # fmt: skip

NGSILD_ROUTES: tuple[Route, ...] = (*_ENTITIES, *_ATTRIBUTES, *_BATCHES, *_TEMPORAL, *_DISCOVERY, *_KEPT)
