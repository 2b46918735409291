"""What can be asked in SQL: the relations with their columns, in both languages, and questions to begin with."""

from __future__ import annotations

from zhicheng.security.actions import Named

ENTITIES: tuple[tuple[str, str, Named], ...] = (
    ("entity", "text", Named("实体标识（URI）", "the entity's URI")),
    ("type", "text", Named("类型（第一个）", "its type, the first of several")),
    ("types", "text", Named("全部类型，逗号分隔", "all its types, with commas")),
    ("scope", "text", Named("范围", "its scopes, as JSON")),
    ("attribute", "text", Named("属性", "the attribute's short name")),
    ("dataset", "text", Named("数据集标识", "datasetId")),
    ("kind", "text", Named("种类：property、relationship、geo 等", "property, relationship, geo and so on")),
    ("number", "number", Named("数值；布尔为 0 与 1", "a number; 0 and 1 for booleans")),
    ("text", "text", Named("其他一切值", "every other value")),
    ("unit", "text", Named("计量单位（UN/CEFACT）", "UN/CEFACT code")),
    ("observed_at", "time", Named("观测时间", "when it was observed")),
    ("modified_at", "time", Named("入库时间", "when it was stored")),
    ("created_at", "time", Named("创建时间", "when the value first came")),
    ("lon", "number", Named("经度（几何中心）", "of the middle of a geometry")),
    ("lat", "number", Named("纬度（几何中心）", "of the middle of a geometry")),
    (
        "quality", "number",
        Named("质量标记位：1 未来 2 估算 4 不合模型 8 超范围 16 模拟",
              "bits: 1 future, 2 estimated, 4 against its model, 8 out of range, 16 simulated"),
    ),
    ("owner", "text", Named("归属部门", "the department's URI")),
    ("classification", "text", Named("密级", "its class")),
    ("source", "text", Named("来源：feed:名称、app:名称、接口", "feed:NAME, app:NAME or an interface")),
)  # fmt: skip

HISTORY: tuple[tuple[str, str, Named], ...] = (
    ("entity", "text", Named("实体标识（URI）", "the entity's URI")),
    ("attribute", "text", Named("属性", "the attribute's short name")),
    ("dataset", "text", Named("数据集标识", "datasetId")),
    ("effective_at", "time", Named("生效时间：观测时间，否则入库时间", "observed_at, else recorded_at")),
    ("life", "number", Named("生命期", "position of the entity's creation")),
    ("kind", "text", Named("种类", "kind, as a word")),
    ("form", "text", Named("值的形式", "number, text, boolean, json or nothing")),
    ("act", "text", Named("动作：observe、set、remove、correct、erase", "observe, set, remove, correct or erase")),
    ("target", "number", Named("被更正或擦除的实例", "the instance that is corrected or erased")),
    ("number", "number", Named("数值；布尔为 0 与 1", "a number; 0 and 1 for booleans")),
    ("text", "text", Named("其他一切值", "every other value")),
    ("observed_at", "time", Named("观测时间", "when it was observed; null where unknown")),
    ("unit", "text", Named("计量单位", "UN/CEFACT code")),
    ("quality", "number", Named("质量标记位", "quality bits")),
    ("sub", "text", Named("子属性（JSON）", "sub-attributes, as JSON")),
    ("owner", "text", Named("归属部门", "the department's URI")),
    ("classification", "text", Named("密级", "its class")),
    ("position", "number", Named("提交位置", "position of the commit")),
    ("ordinal", "number", Named("提交内序号", "place in the commit")),
    ("recorded_at", "time", Named("入库时间", "when it was stored")),
    ("source", "text", Named("来源", "feed:NAME, app:NAME or an interface")),
    ("principal", "text", Named("主体", "who stored it")),
)

RELATIONS: tuple[tuple[str, Named, tuple[tuple[str, str, Named], ...]], ...] = (
    ("entities", Named("现值：每个实体每个属性一行", "what holds now: a row for each entity and attribute"), ENTITIES),
    ("history", Named("变更日志：每次变更一行，含更正", "the log: a row for each change, corrections too"), HISTORY),
)

EXAMPLES: tuple[tuple[Named, str], ...] = (
    (
        Named("每类实体有多少", "How many entities of each type"),
        "SELECT type, count(DISTINCT entity) AS entities FROM entities GROUP BY type ORDER BY entities DESC",
    ),
    (
        Named("各部门各有多少数值", "Values by department"),
        "SELECT coalesce(owner, '-') AS owner, count(*) AS values FROM entities GROUP BY owner ORDER BY values DESC",
    ),
    (
        Named("每分钟入库多少变更", "Changes stored per minute"),
        "SELECT date_trunc('minute', recorded_at) AS minute, count(*) AS changes FROM history\n"
        "GROUP BY minute ORDER BY minute",
    ),
    (
        Named("最近一小时的车速", "Speeds of the last hour"),
        "SELECT date_trunc('minute', observed_at) AS minute, avg(number) AS mean_speed FROM history\n"
        "WHERE attribute = 'speed' AND observed_at > now() - INTERVAL 1 HOUR\nGROUP BY minute ORDER BY minute",
    ),
    (
        Named("各来源带来多少变更", "Changes by source"),
        "SELECT source, count(*) AS changes, max(recorded_at) AS latest FROM history\n"
        "GROUP BY source ORDER BY changes DESC",
    ),
    (
        Named("带质量标记的数值", "Values with quality flags"),
        "SELECT type, attribute, quality, count(*) AS values FROM entities WHERE quality > 0\n"
        "GROUP BY ALL ORDER BY values DESC",
    ),
)


def document() -> dict[str, object]:
    """All of it, for programs and the page."""
    return {
        "relations": [
            {
                "name": name,
                "label_zh": label.zh,
                "label_en": label.en,
                "columns": [
                    {"name": column, "type": kind, "label_zh": said.zh, "label_en": said.en}
                    for column, kind, said in columns
                ],
            }
            for name, label, columns in RELATIONS
        ],
        "examples": [{"label_zh": label.zh, "label_en": label.en, "sql": sql} for label, sql in EXAMPLES],
    }
